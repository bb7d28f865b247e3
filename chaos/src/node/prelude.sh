# Read before every script of a node; for the shell of POSIX, nothing but /proc and builtins.

# Reads /proc/$1/stat (proc(5)) into state, parent, group and born (start time in clock ticks after boot). The name in
# it may hold blanks and brackets, so all up to the last bracket is cut off.
look() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The fields are numbers and one letter.
    # shellcheck disable=SC2086
    set -- ${line##*) }
    state=$1 parent=$2 group=$3
    shift 19
    born=$1
}

# Prints "PID STATE" for every process of group $1 that is not a zombie.
members() {
    for entry in /proc/[0-9]*; do
        look "${entry#/proc/}" || continue
        [ "$group" = "$1" ] || continue
        case $state in Z | X) ;; *) echo "${entry#/proc/} $state" ;; esac
    done
}

# Reads the process group in the file $1 into pgid, or says why it cannot.
named() {
    [ -r "$1" ] || { echo "there is no $1"; return 3; }
    # The blanks and the end of the line go.
    # shellcheck disable=SC2046
    set -- "$1" $(cat "$1")
    pgid=${2-}
    case $pgid in '' | *[!0-9]*) echo "$1 holds no process id"; return 3 ;; esac
}

# As named; fails too when nothing of the group lives.
running() {
    named "$1" || return
    [ -n "$(members "$pgid")" ] || { echo "process group $pgid of $1 is gone"; return 3; }
}
