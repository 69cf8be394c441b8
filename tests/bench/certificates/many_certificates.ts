/** Fills a directory with many certificates, each for another name. */
import { X509Certificate } from "node:crypto";
import { join } from "@std/path";
import type { Authority } from "../../support/certificates.ts";

export interface Member {
  /** The name on it. */
  readonly name: string;
  readonly path: string;
}

/** Writes `count` of them with one key: copies of one, but for their names. */
export function fillWithCertificates(
  directory: string,
  { count, authority }: { readonly count: number; readonly authority: Authority },
): void {
  const { certificate, key } = authority.issue({ name: nameOf(0) });
  const template = new X509Certificate(certificate).raw.toString("latin1");
  for (let number = 0; number < count; number++) {
    const block = blockOf(template.replaceAll(nameOf(0), nameOf(number)));
    Deno.writeTextFileSync(memberOf(directory, number).path, block + key);
  }
}

export function memberOf(directory: string, number: number): Member {
  return { name: nameOf(number), path: join(directory, `${number}.pem`) };
}

/** All of the same length, so that they can be swapped; nobody checks the signature here. */
const nameOf = (number: number) => `site-${String(number).padStart(6, "0")}.test`;

function blockOf(der: string): string {
  const lines = btoa(der).match(/.{1,64}/g)!;
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
