# Sourced by the other scripts. Some checks take long and say the same until what they check changes. scripts/passed.txt
# has the hash of what each last passed on; CI runs those for which it is not the present one.

# The files on which a check depends.
files_of() {
    local numbers=(':(glob)src/*.rs' src/backward src/cpu src/plan src/validate)
    case $1 in
        exhaustive) git ls-files "${numbers[@]}" Cargo.lock shaders ':!shaders/package' src/gpu/kernel \
            tests/contract.rs tests/exhaustive scripts/exhaustive ;;
        sanitize) git ls-files "${numbers[@]}" tests/cpu.rs tests/pool.rs scripts/sanitize scripts/tsan.supp ;;
        minimal-versions) git ls-files Cargo.toml scripts/minimal-versions ;;
        fuzz) git ls-files src/plan src/bin/hard-sigmoid tests/fuzz scripts/fuzz ;;
    esac
}

hash_of() {
    files_of "$1" | xargs sha256sum | sha256sum | cut -d' ' -f1
}

# Whether a check has passed on the present files.
has_passed() {
    grep --quiet --line-regexp "$1 $(hash_of "$1")" scripts/passed.txt
}

# Notes that a check has passed.
passed() {
    local others
    others=$(grep --invert-match "^$1 " scripts/passed.txt) || true
    printf '%s\n%s\n' "$others" "$1 $(hash_of "$1")" | sed '/^$/d' | LC_ALL=C sort >scripts/passed.txt
}
