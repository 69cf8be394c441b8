/** A secret, and configurations that have it. */

/** It could be a name, or part of an address or path: nothing about the word gives it away. */
export const MARKER = "qvX7zjw";

/** Last lines of configurations, with `SECRET` in the environment. HAProxy 2.6 to 3.4 refuse each of them, and repeat the secret in most of their messages. */
export const BROKEN: readonly string[] = [
  `    http-request set-header Authorization "Basic ${MARKER}"\n    stats auth "u:a ${MARKER}"\n    bogus`,
  `    http-request set-header Authorization Basic ${MARKER}`,
  `    http-request set-header X-Vault-Token "${MARKER} x`,
  `    http-request set-header X %[str(${MARKER}),hmac(sha256,${MARKER},z)]`,
  `    http-request deny if { req.hdr(Authorization) -m int ${MARKER} }`,
  `    redirect location https://u:${MARKER}@host/ bogus`,
  `    insecure-password=${MARKER}`,
  `    ${MARKER} # ${MARKER}`,
  `    http-request set-header X-Api-Key "\${SECRET}" "\${SECRET}"`,
  `    stats auth "u:first \\\n    ${MARKER} second"\n    stick-table type ip size ${MARKER}`,
  `userlist u\n    user a insecure-password 'a ${MARKER}' ${MARKER}`,
  `backend b\n    option httpchk GET / HTTP/1.1\\r\\nAuthorization:\\ Basic\\ ${MARKER}\n    balance ${MARKER}`,
  `backend b\n    server s 127.0.0.1:80 weight 1 ${MARKER}\n    tcp-check send AUTH\\ ${MARKER} x`,
];
