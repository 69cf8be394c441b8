/** Makes certificates and what belongs to them, with `openssl`. */
import { X509Certificate } from "node:crypto";
import { join } from "@std/path";

/** A certificate with its key, as PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
  /** Both in one. */
  readonly pem: string;
  /** SHA-256, as `node:tls` writes it. */
  readonly fingerprint: string;
}

export type KeyKind = keyof typeof KEYS;

export interface IssueOptions {
  /** The common name, and the only name in the certificate. */
  readonly name?: string;
  readonly kind?: KeyKind;
  readonly from?: Date;
  readonly until?: Date;
}

export const DAY_MS = 86_400_000;

/** The time that many milliseconds from now. */
export const later = (ms: number) => new Date(Date.now() + ms);

/** A certificate authority in a folder of its own. */
export class Authority {
  readonly certificate: string;
  readonly fingerprint: string;
  readonly #folder: string;
  #issued = 0;

  constructor(folder: string, name = "Test CA") {
    this.#folder = folder;
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeTextFileSync(this.#at("index.txt"), "");
    Deno.writeTextFileSync(this.#at("ca.cnf"), configuration(folder));
    openssl("req", "-x509", ...newKey("ec", this.#at("ca.key")), "-out", this.#at("ca.pem"), [
      ...["-subj", `/CN=${name}`, "-days", "3650"],
    ]);
    this.certificate = Deno.readTextFileSync(this.#at("ca.pem"));
    this.fingerprint = fingerprintOf(this.certificate);
  }

  /** By default one that is valid for 30 days, from an hour ago on. */
  issue(
    { name = "site.test", kind = "ec", from = later(-3_600_000), until = later(30 * DAY_MS) }:
      IssueOptions = {},
  ): Pair {
    const stem = this.#at(String(++this.#issued));
    openssl("req", "-new", ...newKey(kind, `${stem}.key`), "-out", `${stem}.csr`, [
      ...["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
    ]);
    this.#ca("-notext", "-in", `${stem}.csr`, "-out", `${stem}.crt`, [
      ...["-startdate", asn1Time(from), "-enddate", asn1Time(until)],
    ]);
    const [certificate, key] = [`${stem}.crt`, `${stem}.key`].map((path) =>
      Deno.readTextFileSync(path)
    ) as [string, string];
    return { certificate, key, pem: certificate + key, fingerprint: fingerprintOf(certificate) };
  }

  /** Takes effect in CRLs made from now on. */
  revoke({ certificate }: Pair): void {
    const path = this.#at("revoked.pem");
    Deno.writeTextFileSync(path, certificate);
    this.#ca("-revoke", path);
  }

  /** As if that many certificates had been issued and revoked, within milliseconds. */
  revokeMany(count: number): void {
    const serials = Array.from({ length: count }, (_, n) => (0x10_00_00 + n).toString(16));
    const lines = serials.map((serial) =>
      `R\t300101000000Z\t250101000000Z\t${serial.toUpperCase()}\tunknown\t/CN=${serial}\n`
    );
    Deno.writeTextFileSync(this.#at("index.txt"), lines.join(""), { append: true });
  }

  /** The list of what has been revoked, as PEM. */
  crl(): string {
    this.#ca("-gencrl", "-out", this.#at("crl.pem"));
    return Deno.readTextFileSync(this.#at("crl.pem"));
  }

  /** An OCSP responder's answer for the certificate, for a file beside it. */
  ocspResponse({ certificate }: Pair): Uint8Array {
    const [path, response] = [this.#at("asked.pem"), this.#at("response.der")];
    Deno.writeTextFileSync(path, certificate);
    const own = ["-CA", "-rsigner", "-issuer"].flatMap((option) => [option, this.#at("ca.pem")]);
    openssl("ocsp", "-index", this.#at("index.txt"), ...own, "-rkey", this.#at("ca.key"), [
      ...["-cert", path, "-respout", response, "-ndays", "1"],
    ]);
    return Deno.readFileSync(response);
  }

  #ca(...words: (string | readonly string[])[]): void {
    const own = ["-config", this.#at("ca.cnf"), "-batch"];
    openssl("ca", ...own, "-keyfile", this.#at("ca.key"), "-cert", this.#at("ca.pem"), ...words);
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }
}

/** Diffie-Hellman parameters of that many bits, as PEM. */
export function dhParameters(bits: 2048 | 3072): string {
  const group = ["-pkeyopt", `group:ffdhe${bits}`];
  return openssl("genpkey", "-genparam", "-algorithm", "DH", ...group);
}

/** A file of three TLS ticket keys. */
export function ticketKeys(): string {
  const key = () => crypto.getRandomValues(new Uint8Array(48)).toBase64();
  return `${key()}\n${key()}\n${key()}\n`;
}

/** The day a certificate expires, in UTC. */
export const expiryOf = ({ certificate }: Pair) =>
  new Date(new X509Certificate(certificate).validTo).toISOString().slice(0, 10);

const fingerprintOf = (certificate: string) => new X509Certificate(certificate).fingerprint256;

const KEYS = {
  ec: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  p521: ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
  ed25519: ["ed25519"],
  rsa: ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
  "rsa-pss": ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
} as const;

const newKey = (kind: KeyKind, path: string) => [
  ...["-newkey", ...KEYS[kind], "-nodes", "-keyout", path],
];

/** As `openssl ca` takes it: whole seconds, so that it is over at that time. */
const asn1Time = (time: Date) => `${time.toISOString().replaceAll(/[-:T]|\..*/g, "")}Z`;

const configuration = (folder: string) =>
  `[ca]
default_ca = own
[own]
new_certs_dir = ${folder}
database = ${folder}/index.txt
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
rand_serial = yes
default_crl_days = 30
[any]
commonName = supplied
`;

/** Runs a command, and returns what it prints. */
function openssl(...words: (string | readonly string[])[]): string {
  const { success, stdout, stderr } = new Deno.Command("openssl", { args: words.flat() })
    .outputSync();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`openssl ${words.flat().join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
