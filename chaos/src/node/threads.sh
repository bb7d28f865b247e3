# Prints "THREAD STATE" for every thread of process group $1. T stands for all that cannot run before SIGCONT: also a
# thread in uninterruptible sleep (D) that is to stop as soon as it wakes, like one that waits for its vfork child,
# which is stopped itself and so never wakes it.

# Whether SIGSTOP (bit 18) waits for the thread or process in $1/status. The upper half of the mask, the real-time
# signals, is cut off: not every shell can count so far.
stop_waits() {
    while read -r key mask; do
        case $key in SigPnd: | ShdPnd:) ;; *) continue ;; esac
        [ $((0x${mask#????????} & 0x40000)) -eq 0 ] || return 0
    done <"$1/status" 2>/dev/null
    return 1
}

# Whether one thread of process $1 is stopped: then all of them are, or are about to be.
has_stopped_thread() {
    for task in "/proc/$1/task"/*; do
        look "${task#/proc/}" && [ "$state" = T ] && return 0
    done
    return 1
}

for entry in /proc/[0-9]*; do
    look "${entry#/proc/}" && [ "$group" = "$1" ] || continue
    for thread in "$entry"/task/*; do
        look "${thread#/proc/}" || continue
        case $state in
        Z | X) continue ;;
        D) if stop_waits "$thread" || has_stopped_thread "${entry#/proc/}"; then state=T; else state=D; fi ;;
        esac
        echo "${thread##*/} $state"
    done
done
