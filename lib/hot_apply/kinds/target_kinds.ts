/** All kinds of targets. */
import type { Target, TargetOf } from "../../loaded/targets.ts";
import { caFile } from "./ca_file.ts";
import { certificate } from "./certificate.ts";
import { certificateList } from "./certificate_list.ts";
import { crlFile } from "./crl_file.ts";
import { acl, map } from "./pattern_file.ts";
import { server } from "./server.ts";
import type { Content, Plan, TargetKind } from "./target_kind.ts";

const KINDS: { readonly [Tag in Target["tag"]]: TargetKind<TargetOf<Tag>> } = {
  certificate,
  certificate_list: certificateList,
  ca_file: caFile,
  crl_file: crlFile,
  map,
  acl,
  server,
};

export async function planOf<T extends Target>(target: T, content: Content): Promise<Plan> {
  const kind: TargetKind<never> = KINDS[target.tag];
  return await kind.plan(target as never, content);
}
