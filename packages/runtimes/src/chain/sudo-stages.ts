// The programs between sudo and the command. They get the request as arguments, or through a nameless file if it may be secret.

import { mountTable } from './image-stage.ts';

/** The exit code of both if the command could not be started; the status file has the reason. */
const stageFailedCode = 98;

/** In place of overlay options: bind the directory at the target. */
export const bindOption = 'bind';

/**
 * Root's part, a script for sh in its own mount namespace. Arguments: status file, plan, table of images or empty, lease or empty, marker,
 * UID:GID, options of prlimit; for each volume its directory of links, its target and overlay options or `bind`; `--`; the next program.
 *
 * The lease comes before any mount, because a process that finds it free removes the mounted directories. The kernel makes a directory in the
 * work directory, which the user must be able to delete. The marker is bound last: one mount must show upper and work directory. A limit
 * that root may not raise stays as sudo left it.
 *
 * At the end, root's files in the volumes become the user's, except whiteouts. The user may change all paths to them, so none is followed:
 * for each volume, a shell started before the command stays in its directory. Before that, the script kills remaining processes of other
 * users, which the user could not end.
 */
export const rootStage: string = `
status=$1 plan=$2 images=$3 lease=$4 marker=$5 owner=$6 limits=$7
shift 7
user=\${owner%:*}
exec 9<>"$status" 7<"$plan"
test -z "$images" || exec 6<"$images"
if test -n "$lease"; then
  exec 8<"$lease"
  flock --exclusive --wait=5 --conflict-exit-code=99 8 2>&9 || exit $?
fi
if test -n "$images"; then
  ${mountTable('mount')} /proc/self/fd/6 2>&9 || exit ${stageFailedCode}
  exec 6<&-
fi

attach() {
  cd "$1" 2>&9 || exit ${stageFailedCode}
  test -d "$2" || setpriv --reuid="$user" --regid="\${owner#*:}" --clear-groups mkdir -p "$2" 2>&9 || exit ${stageFailedCode}
  if test "$3" = ${bindOption}; then
    mount --internal-only --bind b_ "$2" 2>&9 || exit ${stageFailedCode}
    cd -P b_ 2>&9 || exit ${stageFailedCode}
  else
    mount --internal-only --types overlay --options "$3" cachelane "$2" 2>&9 || exit ${stageFailedCode}
    test ! -d w_/work || chown -h "$owner" w_/work 2>&9 || exit ${stageFailedCode}
    cd -P u_ 2>&9 || exit ${stageFailedCode}
  fi
  if test "$user" != 0 && test -O .; then
    echo "the directory of the volume at $2 belongs to root" >&9
    exit ${stageFailedCode}
  fi
}

others() {
  for link in $(find /proc/[0-9]*/ns/mnt -maxdepth 0 ! -uid "$user" -lname "mnt:?\${space%?}?" 2>/dev/null); do
    process=\${link#/proc/}
    process=\${process%%/*}
    { read -r stat <"/proc/$process/stat"; } 2>/dev/null || continue
    stat=\${stat##*) }
    set -- $stat
    # Ourselves, and the shell that runs this.
    case "$shells " in *" $process "*) continue ;; esac
    test "$2" = $shell || test "$1" = Z || echo "$process"
  done
}

end_others() {
  space=$(readlink /proc/$$/ns/mnt)
  space=\${space#mnt:?}
  left=$(others)
  for process in $left; do
    { read -r name <"/proc/$process/comm"; } 2>/dev/null || continue
    echo "cachelane: $name of another user outlived the command and is ended" >&2
  done
  wait=0
  while test -n "$left" && test $wait -lt 50; do
    test $wait != 0 || kill -TERM $left 2>/dev/null
    sleep 0.1
    wait=$((wait + 1))
    left=$(others)
  done
  test -z "$left" || kill -KILL $left 2>/dev/null
}

give() {
  set --
  for shell in $shells; do set -- "$@" "/proc/$shell/cwd/."; done
  find "$@" -xdev ! -uid "$user" ! -type c -execdir chown -h "$owner" {} + 2>/dev/null
}

run() {
  read -r shell rest </proc/self/stat
  shells="$shells $shell"
  attach "$1" "$2" "$3"
  shift 3
  if test "$1" = --; then
    shift
    mount --internal-only --bind "$marker" "$marker" 2>&9 || exit ${stageFailedCode}
    prlimit --pid=$shell $limits 2>/dev/null
    "$@"
    code=$?
    test "$user" = 0 || { end_others; give; }
    exit $code
  fi
  (run "$@")
}
run "$@"
`;

/**
 * The user's part, for perl: few programs can pass on variables of any name without showing them in the process list. It stays as the
 * command's monitor. Signals are blocked there; it takes those that sudo passes on, so that the command gets each once, and reports how the
 * command ended. Descriptors: 7 the plan, 8 the lease, 9 the status.
 *
 * A group signal that comes before the command exists waits only in the monitor, and looks as if the command got it. So the command's
 * process first sends itself what waits there but not in itself. It checks the monitor first: a signal between the two checks is in both.
 *
 * It takes the name of the next program in the chain, which is known to block the signals too.
 */
export const userStage: string = `
open(my $status, "+<&=", 9) or exit(${stageFailedCode});
sub fail { syswrite($status, "cachelane: $_[0]\\n"); exit ${stageFailedCode} }
sub waiting {
  open(my $file, "<", "/proc/$_[0]/status") or return 0;
  my %sets = map { /^(ShdPnd|SigBlk):\\s*[0-9a-f]*([0-9a-f]{8})$/ } <$file>;
  return hex($sets{ShdPnd} // 0) & hex($sets{SigBlk} // 0);
}
open(my $plan, "<&=", 7) or fail("the plan of the run cannot be read: $!");
my @words = split(/\\0/, do { local $/; <$plan> }, -1);
close($plan);
pop(@words);
my ($cwd, $umask, $count) = splice(@words, 0, 3);
my @command = splice(@words, 0, $count);
chdir($cwd) or fail("Can't chdir to $cwd: $!");
umask(oct($umask));
my $pid = fork();
defined($pid) or fail("no process can be made: $!");
if ($pid == 0) {
  $0 = "env";
  my $missed = waiting(getppid()) & ~waiting($$);
  for my $number (1 .. 31) { kill($number, $$) if $missed >> ($number - 1) & 1 }
  syswrite($status, '{"monitor-pid":' . getppid() . ',"child-pid":' . $$ . "}\\n");
  %ENV = map { split(/=/, $_, 2) } @words;
  exec({ $command[0] } @command);
  exit(126);
}
waitpid($pid, 0);
my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
syswrite($status, '{"exit-code":' . $code . "}\\n");
exit($code);
`;
