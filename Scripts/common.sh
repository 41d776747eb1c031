# Sourced by the scripts: how they answer --help, before they install or build anything, and how they build.

# SwiftPM hands a package's traits to the compiler in the order of a set. If that changes between two runs, everything is
# compiled anew.
export SWIFT_DETERMINISTIC_HASHING=1

# Build or test a package inside this one, in this one's build folder, where the library has been compiled, and with this
# one's versions: `build_inside PACKAGE [argument…]`.
build_inside() { inside build "$@"; }
test_inside() { inside test "$@"; }
inside() {
    local verb=$1 package=$2 status=0
    shift 2
    [ ! -e Package.resolved ] || cp Package.resolved "$package"
    forget_plan .build
    swift "$verb" --package-path "$package" --scratch-path .build "$@" || status=$?
    forget_plan .build
    return "$status"
}

# Has the next build in a folder plan anew. SwiftPM goes by the plan of the last one while that one's files are as they were,
# also if another package or other traits are asked for: then it builds nothing, and says that all is well.
forget_plan() { rm -f "$1/debug.yaml" "$1/release.yaml"; }

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
