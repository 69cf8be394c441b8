/** Where a certificate may be saved, and what its file is called until it is whole. */
import { basename, dirname, join } from "@std/path";
import { RUNTIME_PARENTS } from "../settings/option_types.ts";
import { lstat } from "../system/files/files.ts";
import { followLinks } from "../system/files/link_chain.ts";
import { ownUser } from "../system/files/ownership.ts";
import { findDistrust, type Step } from "../system/files/trusted_directory.ts";

export type Place =
  | {
    readonly tag: "possible";
    /** The real path of the file, or the one that it will have. */
    readonly path: string;
    /** Beside it, hidden, so that HAProxy skips it in a directory of certificates. */
    readonly part: string;
  }
  | { readonly tag: "impossible"; readonly reason: string };

/** Where the file is, or would be, if no other user could put something else or a link there. */
export async function placeOf(path: string): Promise<Place> {
  const steps: Step[] = [];
  const { end } = await followLinks(path, (step, info) => steps.push({ path: step, info }));
  if (steps.some((step) => basename(step.path) === KUBELETS)) {
    return impossible("it lies in a volume of Kubernetes that only the kubelet writes to");
  }
  if (end.tag === "found" && !end.info.isFile) return impossible("it is not a regular file");
  const real = end.tag === "found" ? end.realPath : await placeOfMissing(path);
  if (real === null) return impossible("its folder is missing, or a link leads nowhere");
  const distrust = findDistrust(
    steps.filter((step) => step.path !== real),
    ownUser(RUNTIME_PARENTS),
  );
  if (distrust !== null) return impossible(distrust);
  return { tag: "possible", path: real, part: join(dirname(real), `.${basename(real)}.part`) };
}

/** Every file of a ConfigMap, a Secret or a projected volume is a link through this one. */
const KUBELETS = "..data";

/** `null` if the folder is missing too, or a link leads nowhere. */
async function placeOfMissing(path: string): Promise<string | null> {
  const isLink = await lstat(path).then(() => true, () => false);
  const { end } = await followLinks(dirname(path));
  return end.tag === "found" && !isLink ? join(end.realPath, basename(path)) : null;
}

const impossible = (reason: string): Place => ({ tag: "impossible", reason });
