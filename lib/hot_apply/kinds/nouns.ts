/** What each kind of target is called. Apart from the kinds, which are loaded only when one changes. */
import type { Target } from "../../loaded/targets.ts";

/** For the log, in front of the path. */
const NOUNS: { readonly [Tag in Target["tag"]]: string } = {
  certificate: "certificate",
  certificate_list: "certificate list",
  ca_file: "CA file",
  crl_file: "CRL file",
  map: "map",
  acl: "ACL",
  server: "servers of",
};

export const TARGET_TAGS = Object.keys(NOUNS) as readonly Target["tag"][];

export const nounOf = ({ tag }: Target): string => NOUNS[tag];
