/**
 * HAProxy's own words, which may be shown, as data. `{a,b}` stands for several words. After a word, `:n` means that n
 * names, addresses or paths follow (`:*` any number), then `!` secrets to the end of the line, or `?` a sample.
 * A missing word only hides more. Nothing is parsed until something must be masked, which most runs never need.
 */

/** What follows a word. */
export interface Behind {
  readonly names: number;
  readonly then: "words" | "secrets" | "sample";
}

const SECTIONS = `
  global traces defaults:1 frontend:1 backend:1 peers:1 resolvers:1 userlist:1 mailers:1 ring:1 cache:1 program:1
  http-errors:1 fcgi-app:1 log-forward:1 log-profile:1 crt-store:1 acme:1 healthcheck:1 listen:1`;

/** Other words at the start of a line. */
const FIRST = `
  .alert! .diag! .elif! .else .endif .if! .notice! .warning! accepted_payload_size account-key:1 acl:1? acme-vars!
  acme.scheduler anonkey! appsession! args! backing-file:1 backlog balance be-unpublished bind-process:1 bind:1 bits block
  busy-polling ca-base:1 capture challenge! challenge-ready! chroot:1 clitcpka-{cnt,idle,intvl} clitimeout close-spread-time
  cluster-secret! command! compression concurrent-streams contact! contimeout cookie:1 cpu-{affinity,policy} cpu-{map,set}:2
  crt-base:1 curves:1 daemon declare default-path:2 default-{bind,server} default_backend:1 description! dgram-bind:1
  directory! disabled dispatch:1 dns-accept-family:1 dns-{delay,timeout} docroot:1 dynamic-cookie-key! eab-key-id!
  eab-mac-{alg,key}! email-alert! enabled engine-id:1 error-log-format! errorfile:2 errorfiles:2 errorloc:1! errorloc302:1!
  errorloc303:1! event! expose-deprecated-directives expose-experimental-directives external-check! fd-hard-limit filter
  force-be-switch force-cfg-parser-pause force-persist format fullconn gid grace group:1 groups guid
  h1-accept-payload-with-any-method h1-case-adjust! h1-case-adjust-file:1 h1-do-not-close-on-insecure-transfer-encoding
  h2-workaround-bogus-websocket-clients hard-stop-after harden.reject-privileged-ports.{tcp,quic} hash-balance-factor
  hash-preserve-affinity hash-type hide-header! hold http-after-response http-err-codes! http-fail-codes!
  http-send-name-header:1 http-{request,response,check,error,reuse} httpclient.resolvers.disabled
  httpclient.resolvers.{prefer,id}:1 httpclient.ssl.ca-file:1 httpclient.ssl.verify httpclient.timeout.connect
  httpclient.{retries,resolvers} id ignore-persist index! insecure-fork-wanted insecure-setuid-wanted issuers-chain-path:1
  jwt.allow_none_alg jwt.decrypt_alg_list jwt.decrypt_enc_list keep-conn key-base:1 keytype limited-quic load
  load-server-state-from-file localpeer:1 log-format! log-format-sd! log-send-hostname log-tag:1 log-{stderr,steps} log:1
  lua-load-per-thread:1! lua-load:1! lua-prepend-path! mailer:2 map! master-worker max-keep-alive-queue max-object-size
  max-secondary-entries max-session-srv-conns max-spread-checks max-threads-per-group max-{age,reqs} maxcompcpuusage
  maxcomprate maxconn maxconnrate maxlen maxpipes maxsessrate maxsslconn maxsslrate maxzlibmem messages! mode monitor
  monitor-net:1 monitor-uri! multiplex mworker-max-reloads nameserver:2 nbproc nbthread no no-memory-trimming node:1 noepoll
  noevports nogetaddrinfo nokqueue noktls nopoll noreuseport nosplice numa-cpu-mapping ocsp-update.httpproxy!
  ocsp-update.{maxdelay,mindelay,mode,disable} option parse-resolv-conf pass-header! path-info! peer:2 persist pidfile:1
  pp2-never-send-local prealloc-fd prefer-last-server presetenv:1! process-vary profile! profiling.tasks provider-name!
  quic-initial quiet rate-limit redirect register-var-names! reqadd! reqdel! reqirep! reqrep! resetenv:1 resolve_retries
  retries retry-on reuse-key rspadd! rspdel! rspirep! rsprep! server-state-file-name:1 server-state-{base,file}:1
  server-template:3 server:2 set-dumpable set-param! set-var-fmt:1! set-var:1! setcap! setenv:1! shm-stats-file-max-objects
  shm-stats-file:1 size source:1 spoe-{agent,group,message} spread-checks srvtcpka-{cnt,idle,intvl} srvtimeout
  ssl-default-bind-client-sigalgs:1 ssl-default-bind-options ssl-default-bind-{ciphers,ciphersuites,curves,sigalgs}:1
  ssl-default-server-client-sigalgs:1 ssl-default-server-options ssl-default-server-{ciphers,ciphersuites,curves,sigalgs}:1
  ssl-dh-param-file:1 ssl-f-use ssl-load-extra-del-ext ssl-load-extra-files ssl-mode-async ssl-passphrase-cmd!
  ssl-provider-path! ssl-security-level ssl-server-verify ssl-skip-self-issued-ca ssl-{engine,propquery,provider}! stats
  stats-file:1 stick stick-table stress-level strict-limits table:1 tcp-{request,response,check} thread-hard-limit
  thread-{groups,group} timeout timeout.connect total-max-size trace! transparent uid ulimit-n unique-id-format!
  unique-id-header:1 unix-bind unsetenv:1 use-fcgi-app:1 use-server:1 use_backend:1 user:1! warn-blocked-traffic-after
  zero-warning`;

/** Keywords after the first. */
const OPTIONS = `
  !{? -- -M -f:1 -i -m -n 0rtt-rejected DELETE ECDSA GET HEAD HTTP/1.{0,1} HTTP/2 OPTIONS PATCH POST PUT RSA SSLv3
  TLSv1.{0,1,2,3} abortonclose accept accept-invalid-http-{request,response} accept-netscaler-cip accept-proxy
  accept-unsafe-violations-in-http-{request,response} add-acl! add-header:1! add-headers-bin! addr:1 admin agent-addr:1
  agent-send! agent-{check,inter,port} aggressive alert algo algo-{req,res} alias:1 all all-retryable-errors allbackups
  allow allow-0rtt alpn:1 always append-slash at-least attach-srv attr! audit auth! auth2 auto avalanche backup beg binary!
  binary-lf! bind:1 body! body-lf! both bundle bwlim-{in,out}:1 ca-file:1 ca-ignore-err:1 ca-sign-file:1 ca-sign-pass!
  ca-verify-file:1 cache-store cache-use:1 cache:1 cc check check-pool-conn-name check-reuse-pool check-send-proxy
  check-sni-auto check-ssl check-via-socks4 check-{alpn,proto,sni}:1 check_post checkcache ciphers:1 ciphersuites:1
  clear-cookie! client client-sigalgs:1 client-{fin,hs} clitcpka close code comment! comp-{req,res} config:1 conn-failure
  connect connection consistent content content-type:1 contstats cookie:1 crit crl-file:1 cron cron2 crt-ignore-err:1
  crt-list:1 crt:1 current curves:1 default default-crt:1 default-{limit,period,errorfiles} defer-accept deflate
  del-header:1 del-headers-bin! del-{acl,map}! delete deny deny_status depth dir direction disable-h2-upgrade
  disable-l7-retry disable-on-404 do-{log,resolve} dom domain:1 domains dontlog-normal dontlognull down downinter drop-query
  dynamic early-hint:1! ecdhe:1 ech:1 emerg empty-response enable end engine eq err error-{limit,status} errorfile:1
  errorfiles:1 except:1 expect expect-netscaler-cip expect-proxy expose-fd fail fall fastinter fcgi-app:1 fhdr:1! file:1
  first force-{sslv3,tlsv10,tlsv11,tlsv12,tlsv13} forceclose forwarded forwardfor found from:1 ftp fully-{up,down} ge
  generate-certificates group:1 groups:1 gt guid-prefix:1 guid:1 gzip h1 h1-case-adjust-bogus-{client,server} h2 hash
  hash-key haterm hdr:1! header:1 health healthcheck:1 hello hide-version http http-buffer-request
  http-drop-request-trailers http-drop-response-trailers http-ignore-probes http-keep-alive http-no-delay
  http-pretend-keepalive http-restrict-req-hdr-names http-server-close http-tunnel http-use-htx http-use-proxy-header
  httpchk! httpclose httplog httponly httpslog identity idle-close-on-response idle-ping if-none if:* ignore-empty
  independent-streams indirect info init-addr:1 init-state insecure-password! insert inspect-delay integer inter interface:1
  ip iso issuer:1 junk-response keep-query kern key:1 ktls label:1 layer4 ldap-check le leastconn len level lf-file:1
  lf-string! limit linger listeners local local0 local1 local2 local3 local4 local5 local6 local7 location!
  log-health-checks log-proto:1 log-separate-errors log-{bufsize,sticky,hash} logasap lpr lt mail mailers:1 map-based match
  max-reuse maxidle maxlife maxqueue min-{size,recv} minconn minsize-{req,res} mss myhostname! mysql-check! name-lf! name:1
  namespace:1 nbconn never news nice no-agent-check no-ca-names no-check-reuse-pool no-check-send-proxy no-check-sni-auto
  no-check-ssl no-exit-on-failure no-send-proxy no-send-proxy-v2 no-send-proxy-v2-ssl no-send-proxy-v2-ssl-cn no-sni-auto
  no-ssl-reuse no-strict-sni no-tls-tickets
  no-{ssl,alpn,sslv3,tlsv10,tlsv11,tlsv12,tlsv13,backup,check,renegotiate,tfo,verifyhost} nocache nolinger non-stick none
  nopurge normalize-uri notice npn:1 ntp number nx observe obsolete ocsp-update ocsp:1 off offload ok-status on
  on-marked-{down,up} on-{error,success}! opentracing operator optional or:* origin originalto ot ot-group other parent
  password! path-only pause peers:1 period pgsql-check! pool-conn-name pool-low-conn pool-max-conn pool-purge-delay
  post-{41,80} postonly pre-41 prefer-client-ciphers prefix! preserve priority process:1 processing proto:1
  proxy-v2-options:1 quic-cc-algo quic-force-retry quic-socket quick-exit random raw raw-deflate rbinary! rdp-cookie realm!
  reason! redir:1 redis-check redispatch refresh refused reg reject renegotiate replace-{header,value}:1!
  replace-{path,pathq,uri}! request required resolve resolve-prefer resolve-{net,opts}:1 resolvers:1 response-timeout
  response retry return rewrite rfc3164 rfc5424 rise roundrobin rstatus! rstring! safe sample sc-add-gpc
  sc-inc-{gpc,gpc0,gpc1} sc-set-{gpt,gpt0} scheme! scope! sctl:1 secure send! send-binary-lf! send-proxy-v2
  send-proxy-v2-ssl send-proxy-v2-ssl-cn send-spoe-group:1 send-{binary,lf}! send-{proxy,state} server-fin session sessions
  set-bandwidth-limit:1 set-bc-{mark,tos} set-cookie-fmt! set-dst-port set-fc-{mark,tos} set-header:1! set-headers-bin!
  set-log-level set-priority-{class,offset} set-proxy-v2-tlv-fmt! set-src-port set-timeout:1 set-var-fmt!
  set-{cookie,path,pathq,query,uri,method,var,map}! set-{status,nice,tos,mark,retries,src,dst} severity-output shard shards
  short show-{legends,modules} show-{node,desc}! shutdown-backup-sessions shutdown-sessions sigalgs:1 silent silent-drop
  slowstart smtpchk! sni sni-auto socket-stats socket:1 socks4:1 source:1 splice-{auto,request,response} spoe:1 spop
  spop-check srvkey srvtcpka ssl ssl-hello-chk ssl-max-ver ssl-min-ver ssl-reuse start-on-reload static-rr status-code
  sticky store store-{request,response} strict-{sni,maxconn,mode} string! string-lf! switch-mode syslog table:1 tarpit tcp
  tcp-md5sig! tcp-smart-{accept,connect} tcp-{ut,ss} tcpka tcplog tfo thread:1 time timed tls-ticket-keys:1 tls-tickets to!
  tout-status trace! track-{sc,sc0,sc1,sc2} track:1 tunnel type type-{req,res} unless:* up uri uri-lf! use-service! user:1
  users:1 usesrc:1 uucp v4v6 v6only valid value! value-lf! ver verify verifyhost:1 via-socks4 wait-for-{handshake,body}
  warning weight whole write-to:1 ws yes {? ||:*`;

/** Fetches, converters, and counters of tables. */
const SAMPLES = `
  accept_date act_conn add add_item aes_cbc_{dec,enc} aes_gcm_{dec,enc} always_{false,true} and avg_queue b64dec base base2
  base32 base32+src base64 baseq bc.timer.connect bc_be_queue bc_dst_port bc_err_{name,str} bc_http_major bc_nb_streams
  bc_settings_streams_limit bc_src_port bc_srv_queue bc_{dst,err,glitches,reused,rtt,rttvar,src} be2dec be2hex be_conn_free
  be_connect_timeout be_queue_timeout be_server_timeout be_sess_rate be_tarpit_timeout be_tunnel_timeout be_{conn,id,name}
  bin bool bs.debug_str bs.rst_code bs.{aborted,id} bytes bytes_{in,out} capture-{req,res} capture.req.{hdr,method,uri,ver}
  capture.res.{hdr,ver} concat connslots cook cpl cpu_calls cpu_ns_{avg,tot} cpu_usage_{grp,proc,thr} crc32 crc32c
  cur_client_timeout cur_connect_timeout cur_queue_timeout cur_server_timeout cur_tarpit_timeout cur_tunnel_timeout cut_crlf
  date date_us debug digest distcc_{body,param} div djb2 dst dst_is_local dst_{conn,port} dump_all_vars env
  eth.{data,dst,hdr,proto,src,vlan} even fc.timer.{handshake,total} fc_dst_is_local fc_dst_port fc_err_{name,str}
  fc_http_major fc_nb_streams fc_pp_unique_id fc_pp_{authority,tlv} fc_rcvd_proxy fc_saved_syn fc_settings_streams_limit
  fc_src_is_local fc_src_port fc_{dst,err,fackets,glitches,lost,reordering,retrans,rtt,rttvar,sacked,src,unacked}
  fcgi.{docroot,index} fe_client_timeout fe_req_rate fe_sess_rate fe_tarpit_timeout fe_{conn,defbe,exists,id,name} field
  fix_is_valid fix_tag_value fs.debug_str fs.rst_code fs.{aborted,id} has_ctl hex hex2i hmac host_only hostname htonl
  http_auth_{bearer,group,pass,type,user} http_first_req http_{auth,date} iif in_table int internal.htx.free_data
  internal.htx.has_eom internal.htx.{data,free,nbblks,size,used} internal.htx_blk.start_line
  internal.htx_blk.{data,hdrname,hdrval,size,type} internal.strm.is_htx ip.{data,df,dst,fp,hdr,proto,src,tos,ttl,ver} ipmask
  ipv4 ipv6 json json_query jwt_decrypt_{cert,jwk,secret} jwt_header_query jwt_payload_query jwt_verify jwt_verify_cert
  language last_entity last_rule_{file,line} lat_ns_{avg,tot} le2dec length lower ltime ltrim meth method mod
  mqtt_field_value mqtt_is_valid ms_{ltime,utime} mul nbsrv neg not odd param path pathq payload payload_lv pid port_only
  prio_{class,offset} proc protobuf query queue quic_enabled rand rdp_cookie regsub rep_ssl_hello_type req.body_{param,size}
  req.bytes_{in,out} req.payload_lv req.proto_http req.rdp_cookie req.ssl_ec_ext req.ssl_hello_type req.ssl_keyshare_groups
  req.ssl_st_ext req.ssl_supported_groups req.ssl_{alpn,cipherlist,sigalgs,sni,ver} req.timer.{hdr,idle,queue,tq}
  req.{body,cook,fhdr,hdr,hdrs,len,payload,ver} req_proto_http req_rdp_cookie req_ssl_hello_type req_ssl_{sni,ver}
  req_{len,ver} request_date res.body_size res.bytes_{in,out} res.cache_{hit,name} res.comp_algo res.payload_lv
  res.ssl_hello_type res.timer.{data,hdr} res.{body,comp,cook,fhdr,hdr,hdrs,len,payload,ver} resp_ver reverse reverse_dom
  rfc7239_is_valid rfc7239_{field,n2nn,n2np,nn,np} rtrim scook sdbm secure_memcmp server_status sha1 sha2 shdr so_{id,name}
  spoe.engine-id src srv_conn_free srv_is_up srv_sess_rate srv_{conn,id,iweight,name,queue,uweight,weight} ssl_{bc,fc}
  status stopping str strcmp sub tcp.options.{mss,sack,tsopt,tsval,wscale,wsopt} tcp.options_list
  tcp.{dst,flags,seq,src,win} term_events tgroup txn.conn_retries txn.sess_term_state txn.timer.{total,user}
  txn.{id32,redispatched,status} ub64dec ub64enc ungrpc unique-id unset-var upper uptime url url32 url32+src
  url_{dec,enc,param,port} urlp us_{ltime,utime} utime uuid var wait_end waiting_entity when word wt6 x509_v_err_str xor
  xxh3 xxh32 xxh64
  {path,base,url,hdr,shdr,cook,scook,urlp,method,ssl_fc_sni}_{beg,cnt,dir,dom,end,ip,len,reg,sub,val}
  {req,res}.{hdr,hdrs,cook,fhdr,rdp_cookie,ssl_sni}_{beg,bin,cnt,dir,dom,end,ip,len,names,reg,sub,val}
  map_{beg,dir,dom,end,int,ip,reg,regm,str,sub}_{int,ip,key,str}
  {,sc_,sc0_,sc1_,sc2_,src_,table_}{avl,bytes_in_rate,bytes_out_rate,clr_gpc,clr_gpc0,clr_gpc1,cnt,conn_cnt,conn_cur,
    conn_rate,expire,get_gpc,get_gpc0,get_gpc1,get_gpt,get_gpt0,glitch_cnt,glitch_rate,gpc,gpc0,gpc0_rate,gpc1,gpc1_rate,
    gpc_rate,gpt,gpt0,http_err_cnt,http_err_rate,http_fail_cnt,http_fail_rate,http_req_cnt,http_req_rate,idle,inc_gpc,
    inc_gpc0,inc_gpc1,is_local,kbytes_in,kbytes_out,key,port,server_id,server_key,sess_cnt,sess_rate,tracked,trackers,
    updt_conn_cnt}
  ssl_{c,f,s,r,bc,fc}_{alg_keysize,alpn,ca_err,ca_err_depth,chain_der,cipher,cipherlist_bin,cipherlist_hex,cipherlist_str,
    cipherlist_xxh,client_early_traffic_secret,client_handshake_traffic_secret,client_random,client_traffic_secret_0,
    crtname,curve,der,early_exporter_secret,early_rcvd,ecformats_bin,eclist_bin,err,err_str,exporter_secret,extlist_bin,
    has_crt,has_early,has_sni,i_dn,is_resumed,key_alg,notafter,notbefore,npn,protocol,protocol_hello_id,r_dn,s_dn,san,
    serial,server_handshake_traffic_secret,server_random,server_traffic_secret_0,session_id,session_key,sha1,sig_alg,
    sigalgs_bin,sni,supported_versions_bin,unique_id,use_keysize,used,verify,version}`;

/** Other words of HAProxy, its libraries and the operating system; `isOwnWord` adds their endings. */
const SENTENCES = `
  a aborted aborting about absolute acceptable account action activate active additional address adjust affinity after
  against agent algorithm alloc allocate alone already also among an anonymous another any anymore app appended applicable
  are arg argument array as ascii assign async at attach authorization authorized automatic automatically available back bad
  bandwidth basic be because been before beginning belongs below between bound buffer bufsize bug build built busy but bwlim
  by byte ca call callback can cannot capabilities capability capset case caused cb cert certain certificate chain change
  char character chunk cipher ciphersuite class clean clear cli cloexec cold collector colon column comma commit comp
  compatible compiled compute condition conditional conf configuration configure conflicts congestion conn consider contain
  context contiguous continuing control convert core correct corruptions could couldn count counters cpu create crl cur
  curve custom data datagram days debugging declaration decode decrypt define delay delimited delimiter denied dependencies
  descriptor deserialize desired destination detect dev developers device dh did different diffie digit directive disable
  distinct dns do does doesn don dotted dt due dump duplicate during eab each either elliptic emit empty encode encountered
  enough entries entry environment equal errno erroffset error escape etc every exactly examples exceed excluded exclusive
  execute exist exit expansion experimental explicit expr expression extension external extra extract facility failure
  family fatal fcgi fd feature fetch filename final finalize find fips fix flag fmt followed following for forbidden forget
  fork forward framed free full function garbage generate get getting given giving got greater handle happen haproxy hard
  has have hdl hellman here hexadecimal high hint hlua host hs httpclient htx hyphen identifier ids idx ignored ignoring
  implemented implicit impossible in inc inclusive incompatible incomplete inconsistencies increase information inherit init
  initial initialize input ins inside instance instead integrity intent internal interrupted interval into invalid involves
  ipv is it its jit just jwe jwk jwt keep keyword known lan large last least left letters libraries library lifetime line
  list lock logformat logger lone long loop low lua mac main make mandatory many marks mask master max maximum may maybe mb
  mcli mean memmax memory merge message might milliseconds min minimum mismatch missing mix modern modifier more most mqtt
  ms msg multi multiple must mux nb near need negation negative neither network new next non nonce nor normalizer note now
  nul null num numeric object occurred occurrences of offset old omitted one ongoing only onoff open openssl operation opts
  order out output over overflow overrides overwriting parameter parenthesis parse passed passphrase passwd pattern pcre pem
  per permission permitted pipe platform please poisonning poll pool position positive possible post postparsing preceded
  predicate present preset previous private protocol provided provider proxies proxy qmux quantifier quic quic4 quic6 quote
  raise range rdp re reached read ready realloc rebuild receiving recoverable reduce referenced references regex register
  relative reliably relies reload remaining remove rename repeat replace report req require res resize resolution resolv
  resource retrieve rst rule ruleset running runtime said same save sc scan script second secret section see selected
  selector separated separator sequence service set setting setup several shared shm should side signature simultaneous
  since single sink small so sock sockaddr socketpair sockpair some space specification specified specify srv stack start
  startup stat state statement statistics step stop strdup stream strictly structure success successful such suite support
  suspiciously switch sync syntax system tag takes target task tcpv4 tcpv6 template temporarily than that the their these
  this through ticket tls tlsext tlv token too tool tproxy transaction transfer transport trash tree tried tries truncated
  trust try ttl tune two txn uaf udp4 udp6 unable unassigned unavailable undefined underflow underscode unexpected unhandled
  unique unit unix unix_stream unknown unmatched unparsable unreachable unresolved unset unsupported unterminated update
  usable usage use usesrcsource using usually validation variable verbatim verbosity verifications version via vs wanted was
  watchers way were where which while wide will window with within without work write wrong years yet you za zero zlib`;

export type Keywords = ReadonlyMap<string, Behind>;

/** A list in braces may continue on the next line. */
const read = (text: string): [string, Behind][] =>
  text.trim().replace(/,\s+/g, ",").split(/\s+/).flatMap(expanded).map((entry) => {
    const [, word = "", names = "0", mark = ""] = /^(.+?)(?::([\d*]))?([!?])?$/.exec(entry)!;
    const then = mark === "!" ? "secrets" : mark === "?" ? "sample" : "words";
    return [word, { names: names === "*" ? Infinity : Number(names), then }];
  });

function expanded(word: string): string[] {
  const [, before = "", list, after = ""] = /^(.*?)\{([^{}]+)\}(.*)$/.exec(word) ?? [];
  return list?.split(",").flatMap((part) => expanded(before + part + after)) ?? [word];
}

function parse() {
  const sections = read(SECTIONS);
  const first = [...sections, ...read(FIRST)];
  const elsewhere = first.map(([word, { then }]) => [word, { names: 0, then }] as const);
  return {
    sections: new Map(sections) as Keywords,
    first: new Map(first) as Keywords,
    all: new Map([...read(SAMPLES), ...elsewhere, ...read(OPTIONS)]) as Keywords,
    sentences: new Set(SENTENCES.trim().split(/\s+/)),
  };
}

let parsed: ReturnType<typeof parse> | null = null;
export const vocabulary = () => parsed ??= parse();

/** Whether HAProxy uses the word in its messages, possibly with another ending. */
export function isOwnWord(written: string): boolean {
  const word = written.toLowerCase();
  const isListed = (stem: string) => vocabulary().sentences.has(stem) || vocabulary().all.has(stem);
  return isListed(word) || ENDINGS.some((ending) => {
    const stem = word.slice(0, -ending.length);
    return stem.length > 2 && word.endsWith(ending) && (isListed(stem) || isListed(`${stem}e`));
  });
}

const ENDINGS: readonly string[] = "s es d ed r er ing ly ion ions".split(" ");
