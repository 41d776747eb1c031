# Sourced by the scripts: how they answer --help, before they install or build anything.

# Whether -h or --help is among the arguments, in front of a `--`.
asks_for_help() {
    local word
    for word in "$@"; do
        case $word in
            -h | --help) return 0 ;;
            --) return 1 ;;
        esac
    done
    return 1
}

# Prints the comment at the head of this script, of which `set` is the first command.
describe() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "Scripts/${0##*/}"; }

# Has a program in Python describe itself, which any Python can: `describe_by PROGRAM`.
describe_by() {
    local python=${CELERIAC_PYTHON:-python3}
    if command -v "$python" > /dev/null; then "$python" "$1" --help; else describe; fi
}
