# identify PIDFILE: prints "GROUP BORN", where BORN is 0 when the leader is gone but others of its group live.
# Exits with 3 when nothing lives, with 4 when it must not be touched, with 5 when its undo could not be armed.
command -v setsid >/dev/null || { echo "there is no setsid"; exit 5; }
named "$1" || exit
[ "$pgid" -gt 1 ] || { echo "$1 names process $pgid, which is not a part"; exit 4; }
leader=0
if look "$pgid"; then
    [ "$state" = Z ] || [ "$group" = "$pgid" ] || { echo "process $pgid of $1 does not lead a process group: its group is $group"; exit 4; }
    leader=$born
fi
running "$1" || exit
self=$$
while [ "$self" -gt 0 ] && look "$self"; do
    [ "$group" != "$pgid" ] || { echo "process group $pgid of $1 is the one that runs this very command"; exit 4; }
    self=$parent
done
echo "$pgid $leader"
