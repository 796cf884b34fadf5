# api.awk: reads callfan/tapi_const.h, callfan/tapi.h, callfan/tapi_services.h and callfan/tapi_callfan.h, prints what they say of each function and structure, one item a line,
# fields divided by tabs. The manual pages (man-pages.awk) and the walk over bad arguments (tests/) are made of it.
#
#   contract WORD TEXT                 a paragraph of the header's contract
#   section TITLE                      what follows stands under this heading
#   function NAME RETURN LEADER        LEADER: the first function under the same comment, mostly NAME itself
#   parameter TYPE NAME                of the function before
#   text TEXT / code TEXT              its comment: a paragraph; a line of an example
#   word async|sync|owner|optional X   what the comment says in words of its own; optional: parameter X "may be NULL"
#   feature NAME                       its bit in LINECALLSTATUS.dwCallFeatures, LINECALLFEATURE_NAME
#   error NAME REMARK                  an error that the comment names, those of "As lineX" and "what lineX has" included
#   struct NAME / structtext / structcode
#   fault TEXT                         something without a comment
BEGIN { OFS = "\t"; section = "" }

FILENAME ~ /tapi_const\.h$/ {
    if ($1 == "#define" && $2 ~ /^LINEERR_/)
        known[substr($2, 9)] = 1
    if ($1 == "#define" && $2 ~ /^LINECALLFEATURE_/)
        features[substr($2, 17)] = 1
    next
}

# ---- comments: the last one, as paragraphs and lines of code

/^\/\* ---- .* -+ \*\/$/ { section = $0; sub(/^\/\* -+ /, "", section); sub(/ -+ \*\/$/, "", section); print "section", section; forget(); next }
/^\/\*/ { inside = 1; forget() }
inside {
    line = $0
    ends = line ~ /\*\/$/
    sub(/^\/\*/, "", line); sub(/^ \*\/$/, "", line); sub(/\*\/$/, "", line); sub(/^ \*/, "", line); sub(/[ \t]+$/, "", line)
    add(line)
    if (ends) { inside = 0; comment_ends = FNR; if (!contracts++) contract() }
    next
}

# ---- declarations

/^(typedef )?struct [A-Za-z_]+ \{$/ { depth = 1; bodies = 1; body[1] = $0; next }
depth { body[++bodies] = $0; if ($0 ~ /^}/) { depth = 0; structure() } next }
/^typedef .*LINECALLBACK/ { callback = $0; bodies = 1; body[1] = $0; if ($0 ~ /;$/) { structure_named("LINECALLBACK") } else more = 1; next }
more { body[++bodies] = $0; if ($0 ~ /;$/) { more = 0; structure_named("LINECALLBACK") } next }
/^CF_API / { declaration = ""; from = FNR }
from { declaration = declaration " " $0; if ($0 ~ /;$/) { declare(); from = 0; comment_ends = FNR } next }
{ forget_if_apart() }

function forget() { count = 0; fresh = 1; leader = "" }
function forget_if_apart() { if ($0 == "" || $0 ~ /^[a-z}]/) forget() }
function add(line) {
    if (line ~ /^     /) { kind[++count] = "code"; words[count] = substr(line, 6); fresh = 1; return }
    sub(/^ +/, "", line)
    if (line == "") { fresh = 1; return }
    if (fresh) { kind[++count] = "text"; words[count] = line; fresh = 0 } else words[count] = words[count] " " line
}

# The header's own comment: "Shape      text", each with lines that are indented. add() took the indented ones for code.
function contract(    i, word, text) {
    for (i = 1; i <= count; i++) {
        if (kind[i] == "code") { text = words[i]; sub(/^ +/, "", text); if (word != "") all[word] = all[word] " " text; continue }
        word = ""
        if (match(words[i], /^[A-Z][a-z]+  +/)) {
            word = substr(words[i], 1, RLENGTH); sub(/ +$/, "", word)
            all[word] = substr(words[i], RLENGTH + 1); order[++orders] = word
        }
    }
    for (i = 1; i <= orders; i++) print "contract", order[i], all[order[i]]
    forget()
}

function structure(    name) {
    name = body[bodies]; sub(/^} */, "", name); sub(/[,;].*/, "", name)
    if (name == "") { name = body[1]; sub(/^struct /, "", name); sub(/ \{$/, "", name); name = "struct " name }
    structure_named(name)
}
function structure_named(name,    i) {
    print "struct", name
    for (i = 1; i <= count; i++) print "structtext", words[i]
    for (i = 1; i <= bodies; i++) print "structcode", body[i]
    forget()
}

function declare(    d, head, name, type, list, n, i, p) {
    d = declaration
    gsub(/[ \t]+/, " ", d); sub(/^ *CF_API /, "", d); sub(/;$/, "", d)
    head = substr(d, 1, index(d, "(") - 1)
    list = substr(d, index(d, "(") + 1); sub(/\)$/, "", list)
    name = head; sub(/^.*[ *]/, "", name)
    type = substr(head, 1, length(head) - length(name)); sub(/ $/, "", type)
    if (leader == "") leader = name
    print "function", name, type, leader
    if (count == 0) print "fault", name " has no comment in callfan/tapi.h"
    n = split(list, p, ", ")
    for (i = 1; i <= n; i++) {
        name_of = p[i]; sub(/^.*[ *]/, "", name_of)
        type_of = substr(p[i], 1, length(p[i]) - length(name_of)); sub(/ $/, "", type_of)
        if (p[i] != "void") print "parameter", type_of, name_of
    }
    says = ""
    for (i = 1; i <= count; i++) { print kind[i], words[i]; if (kind[i] == "text") says = says " " words[i] }
    kind_of[name] = says ~ / Asynchronous[.,]/ ? "async" : says ~ / Synchronous[.,]/ ? "sync" : taken_over(says)
    if (kind_of[name] != "") print "word", kind_of[name]
    if (says ~ / Owner[.;,]/) print "word", "owner"
    if (feature(name) != "") print "feature", feature(name)
    optionals(says)
    own_errors(name, says)
    print_errors(name)
}

# Synchronous or not, where the comment leaves that to "As lineX".
function taken_over(text,    other) {
    if (!match(text, /As (line[A-Za-z]+|cf_[a-z_]+)/)) return ""
    other = substr(text, RSTART + 3, RLENGTH - 3)
    return kind_of[other]
}

# TAPI's bits are called as the functions are, some cut short.
function feature(name,    whole, best, f) {
    whole = toupper(substr(name, 5))
    if (whole == "PREPAREADDTOCONFERENCE") return "PREPAREADDCONF"
    if (whole == "SETCALLTREATMENT") return "SETTREATMENT"
    best = ""
    for (f in features) if (index(whole, f) == 1 && length(f) > length(best) && length(f) * 2 > length(whole)) best = f
    return best
}

function optionals(text,    rest, word) {
    rest = text
    while (match(rest, /[A-Za-z_]+ (\([^)]*)?may be NULL/)) {
        word = substr(rest, RSTART); sub(/ .*/, "", word)
        print "word", "optional", word
        rest = substr(rest, RSTART + RLENGTH)
    }
}

# errors_of[name] is the list in order; remark[name, error]
function note(name, error, said) {
    if ((name, error) in has) { if (said != "") remark[name, error] = said; return }
    has[name, error] = 1
    remark[name, error] = said
    errors_of[name] = errors_of[name] " " error
}
function own_errors(name, text,    rest, word, before, said, other, list, n, i) {
    rest = text
    while (match(rest, /(As|what) (line[A-Za-z]+|cf_[a-z_]+)( has)?/)) {
        other = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        if (other ~ /^what/ && other !~ / has$/) continue
        sub(/^(As|what) /, "", other); sub(/ has$/, "", other)
        if (!(other in errors_of)) { print "fault", name " refers to " other ", which is not declared before it"; continue }
        n = split(errors_of[other], list, " ")
        for (i = 1; i <= n; i++) note(name, list[i], remark[other, list[i]])
    }
    rest = text
    while (match(rest, /[A-Za-z0-9_]+/)) {
        word = substr(rest, RSTART, RLENGTH)
        before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
        rest = substr(rest, RSTART + RLENGTH)
        if (sub(/^LINEERR_/, "", word) ? word in known : word in known && word != "DISCONNECTED" && before != "(") {
            said = ""
            if (rest ~ /^ \(/) { said = substr(rest, 3); said = substr(said, 1, closing(said) - 1) }
            else if (rest ~ /^: / || rest ~ /^ while /) { said = rest; sub(/^: */, "", said); sub(/^ /, "", said); sub(/[.;]( .*)?$/, "", said) }
            note(name, word, said)
        }
    }
}
function closing(text,    i, level, c) {
    level = 1
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "(") level++
        if (c == ")" && --level == 0) return i
    }
    return length(text) + 1
}
function print_errors(name,    list, n, i) {
    n = split(errors_of[name], list, " ")
    for (i = 1; i <= n; i++) print "error", list[i], remark[name, list[i]]
}
