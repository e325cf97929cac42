// The programs between sudo and the command. None of them holds anything of the request: they get it as arguments, or,
// where it may be secret, through a file without a name.

import { mountTable } from './image-stage.ts';

/** What both answer when the command could not be started; the reason is in the status file. */
const stageFailedCode = 98;

/** In place of an overlay's options: the directory itself is shown at the target. */
export const bindOption = 'bind';

/**
 * Root's part, for sh, in a mount namespace of its own. Arguments: status file, plan, table of images (or nothing), lease (or
 * nothing), marker, the user's ids as UID:GID, options of prlimit; for each volume the folder to stand in, its target and an overlay's options, or that
 * it is bound; `--`; what comes next.
 *
 * The lease is taken before anything is mounted: who finds it free removes what would be mounted here. The kernel makes a
 * folder in the work directory for itself, which the user has to remove one day. The marker is bound last: upper and work
 * directory must be seen on one mount. Where root itself may not raise a limit, it stays as sudo left it.
 *
 * In the end, what root wrote to the volumes becomes the user's, who is to save it; not the whiteouts, which are never looked into.
 * All paths that lead there are the user's to change meanwhile, so none is followed then: for each volume a shell stands in its
 * directory from before the command starts, each but the first a child of the one before. Before that, whoever is left in the namespace
 * and is not the user's is ended: the user could neither see nor end them, and they would go on writing.
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
 * The user's part, for perl: few programs can give an environment with any name to another one without showing it to all
 * in the process list. It stays as the command's monitor, as bubblewrap's does: with the signals blocked, it takes those
 * that sudo hands on, so that the command gets none twice, and says how the command ended. Descriptors: 7 the plan, 8 the lease, 9 the status.
 *
 * A signal to the process group that came when there was no command yet waits in the monitor alone, where it looks like one that the
 * command got: so the command's process sends itself what waits there and not in itself, before anybody can know it. The monitor is
 * looked at first: what comes between the two looks is in both.
 *
 * The name it gives itself is that of the next link in the chain, which is known to hold the signals too.
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
