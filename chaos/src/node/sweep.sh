# sweep PIDFILE...: undoes what faults may have left on this node and prints what it found, one "WORD ..." per line.

# Undos of runs that are no more: a timer of ours for one of these files would undo the next run's fault too early.
for entry in $(grep -alF brownout-undo /proc/[0-9]*/cmdline 2>/dev/null); do
    timer=${entry#/proc/}
    timer=${timer%/cmdline}
    # The mark has to stand where a timer has it, or this is only something that speaks of it, like this script.
    [ "$(tr '\0\n' '\n ' <"$entry" 2>/dev/null | sed -n 4p)" = brownout-undo ] || continue
    key=$(tr '\0\n' '\n ' <"$entry" 2>/dev/null | sed -n 5p)
    for file in "$@"; do
        [ "$key" = "$file" ] || continue
        kill -s KILL -- "-$timer" 2>/dev/null && echo "timer $file"
    done
done

for file in "$@"; do
    running "$file" >/dev/null || continue
    look "$pgid" && [ "$group" != "$pgid" ] && continue
    case $(members "$pgid") in *' T'*) ;; *) continue ;; esac
    kill -s CONT -- "-$pgid" && echo "stopped $file"
done

command -v nft >/dev/null || exit 0
# Without the right to look, there is nothing that we could have left.
tables=$(nft list tables 2>/dev/null) || exit 0
echo "$tables" | while read -r _ family name; do
    case $name in brownout_*) nft delete table "$family" "$name" && echo "table $family $name" ;; esac
done
exit 0
