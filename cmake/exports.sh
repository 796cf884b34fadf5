#!/bin/sh
# exports.sh VERSION HEADER...: a linker version script that exports the functions which the headers declare (line* and
# cf_*), and hides the rest. Names of macros, of inline functions and in comments are not declarations.
set -eu
version=$1
shift
names=$(cat "$@" /dev/null | awk '
    # Comments go first, then preprocessor lines with their continuations.
    { text = text $0 "\n" }
    END {
        while ((start = index(text, "/*")) > 0) {
            rest = substr(text, start + 2)
            stop = index(rest, "*/")
            text = substr(text, 1, start - 1) " " (stop ? substr(rest, stop + 2) : "")
        }
        gsub(/\/\/[^\n]*/, "", text)
        gsub(/\\\n/, " ", text)
        count = split(text, line, "\n")
        for (i = 1; i <= count; i++)
            if (line[i] !~ /^[ \t]*#/)
                code = code line[i] " "
        # A declaration ends with ";" outside braces; what has a body is inline and not exported.
        depth = 0
        statement = ""
        gsub(/extern[ \t]*"C"[ \t]*\{/, "", code)
        for (i = 1; i <= length(code); i++) {
            c = substr(code, i, 1)
            if (c == "{") { depth++; body = 1 }
            else if (c == "}") { if (depth > 0) depth--; if (depth == 0 && statement ~ /\)[ \t]*$/) { statement = ""; body = 0 } }
            else if (depth == 0 && c == ";") {
                if (!body && statement !~ /typedef/ && match(statement, /(line[A-Z]|cf_)[A-Za-z0-9_]*[ \t]*\(/)) {
                    name = substr(statement, RSTART, RLENGTH - 1)
                    gsub(/[ \t]/, "", name)
                    print name
                }
                statement = ""; body = 0
            }
            else if (depth == 0) statement = statement c
        }
    }' | sort -u)
echo "$version {"
if [ -n "$names" ]; then
    echo "    global:"
    echo "$names" | sed 's/.*/        &;/'
fi
echo "    local:"
echo "        *;"
echo "};"
