#!/bin/bash
# Galera tells this member's state: `--status Synced --primary yes ...`. Whoever has to know reads it from a file.
while [ $# -gt 1 ]; do
    case $1 in
    --status) status=$2 ;;
    --primary) primary=$2 ;;
    esac
    shift
done
# Not all that it tells has both; what it does not tell has not changed.
{ read -r before_status before_primary < {{ dir }}/state; } 2> /dev/null
echo "${status:-$before_status} ${primary:-$before_primary}" > {{ dir }}/state.new
# Whole, for who reads it just now.
mv {{ dir }}/state.new {{ dir }}/state
