/** Small programs that stand in as `haproxy`, named by what they do. */

const real = await pathOfHaproxy();

/** `-c` always runs the real HAProxy. */
const script = (start: string) =>
  `#!/bin/sh
[ "$1" = -c ] && exec ${real} "$@"
${start}
`;

/** 50 processes that nobody waits for, which end within half a second. */
const LEAVE_ORPHANS = "i=0; while [ $i -lt 50 ]; do (sleep 0.$((i % 5)) &); i=$((i + 1)); done";

/** On standby it waits here, as HAProxy would. */
const WAIT = '[ "$2" = /dev/stdin ] && cat > /dev/null';

const LISTEN_ELSEWHERE = `for file; do case "$file" in *-first.cfg)
  sed -i "s/\\.sock'/.real'/" "$file"
  socket="\${file%-first.cfg}.real" ;;
esac; done`;

export const STAND_INS = {
  is_haproxy: script(`exec ${real} "$@"`),
  /** A HAProxy that cannot read its configuration from a pipe, and so cannot be on standby. */
  cannot_wait: script(`[ "$2" = /dev/stdin ] && exit 5; exec ${real} "$@"`),
  /** The same, but it fails only after the change has settled. */
  cannot_wait_long: script(`[ "$2" = /dev/stdin ] && sleep 0.1 && exit 5; exec ${real} "$@"`),
  dies_before_ready: script("exit 3"),
  checks_for_ever: "#!/bin/sh\nexec sleep 30\n",
  /** As the dynamic linker fails, whatever the arguments. */
  lacks_a_library: "#!/bin/sh\nexit 127\n",
  dies_of_a_signal: script("kill -SEGV $$"),
  never_ready: script("exec sleep 30"),
  ends_with_its_wrapper: script("while kill -0 $PPID; do sleep 0.1; done 2> /dev/null; exit 1"),
  /** HAProxy once there is a file `go` in its working directory. */
  waits_for_go: script(`while ! [ -e go ]; do sleep 0.01; done; exec ${real} "$@"`),
  /** Never ready, and ignores signals. */
  ignores_term: script("trap '' USR1 TERM INT; while :; do sleep 1; done"),
  /** Fails once, and from then on hangs and ignores SIGUSR1. */
  dies_then_hangs: script(`[ -e died ] && trap '' USR1 && while :; do sleep 0.1; done
touch died
exit 3`),
  /** Fails once, and then is HAProxy. */
  dies_once: script(`[ -e died ] && exec ${real} "$@"
touch died
exit 3`),
  /** HAProxy serves, but as a child of the process that was started. */
  answers_with_another_pid: script(
    `trap 'kill -USR1 $child' USR1; trap 'kill $child' TERM; ${real} "$@" & child=$!
while kill -0 $child 2> /dev/null; do wait; done`,
  ),
  /** Its private stats socket is at another path, so that a test can listen at the right one. */
  listens_elsewhere: script(`${WAIT}\n${LISTEN_ELSEWHERE}\nexec ${real} "$@"`),
  /** It is killed as soon as its socket exists; that is elsewhere, so nobody can have had an answer. */
  killed_at_its_socket: script(`${WAIT}\n${LISTEN_ELSEWHERE}
rm -f "$socket"
( while [ ! -S "$socket" ]; do kill -0 $$ || exit; done; kill -KILL $$ ) &
exec ${real} "$@"`),
  /** Fails until its configuration is checked, which takes for ever, and then is HAProxy. */
  checks_for_ever_once: `#!/bin/sh
[ "$1" = -c ] && touch checking && exec sleep 30
[ -e checking ] || exit 1
exec ${real} "$@"
`,
  killed_at_once: script("kill -KILL $$"),
  leaves_orphans: script(`${LEAVE_ORPHANS}; exec ${real} "$@"`),
  /** As in an image that needs a loader variable, which Deno passes on to nobody. */
  sets_a_loader_variable: `#!/bin/sh\nLD_BIND_NOW=1 exec ${real} "$@"\n`,
  leaves_orphans_and_dies: script(`${LEAVE_ORPHANS}; exit 7`),
} as const;

async function pathOfHaproxy(): Promise<string> {
  const command = new Deno.Command("sh", { args: ["-c", "command -v haproxy"] });
  return new TextDecoder().decode((await command.output()).stdout).trim();
}
