# man-pages.awk: the manual pages of section 3, from client/errors.c, docs/man/parameters and what api.awk printed, in this order.
# Variables: folder (where to), date, version. Beside the pages: folder/faults, one a line, what has no comment or no description;
# folder/links, "PAGE OTHER": functions that share a page.
BEGIN { FS = "\t"; faults = folder "/faults"; links = folder "/links"; printf "" > faults; printf "" > links }
function fault(text) { if (!(text in told)) print text > faults; told[text] = 1 }

# ---- what an error means: ERROR(NAME, "text" "text"),

FILENAME ~ /errors\.c$/ {
    if ($0 ~ /^    ERROR\(/) { entry = $0; open_entry = 1 } else if (open_entry) entry = entry $0
    if (open_entry && $0 ~ /"\),$/) {
        open_entry = 0
        name = entry; sub(/^ *ERROR\(/, "", name); sub(/,.*/, "", name)
        text = entry; sub(/^[^"]*"/, "", text); sub(/"\),$/, "", text); gsub(/" *"/, "", text)
        means[name] = text
    }
    next
}
FILENAME ~ /parameters$/ {
    if ($0 !~ /^(#|$)/) { at = index($0, ": "); parameter[substr($0, 1, at - 1)] = substr($0, at + 2) }
    next
}

# ---- the functions and structures, all of them first

$1 == "contract" { words_of[++contracts] = $2; contract[contracts] = $3; next }
$1 == "section" { section = $2; sections[++sections_count] = $2; next }
$1 == "struct" { in_function = ""; structure = $2; next }
$1 == "structtext" { said[structure] = (structure in said ? said[structure] " " : "") $2; next }
$1 == "structcode" { code[structure] = code[structure] substr($0, 12) "\n"; next }
$1 == "fault" { fault($2); next }
$1 == "function" {
    f = $2; name_of[++functions] = f; returns[f] = $3; leader[f] = $4; part[f] = section
    if ($4 != f) family[$4] = family[$4] " " f
    next
}
$1 == "parameter" { p = ++parameters[f]; type[f, p] = $2; param[f, p] = $3; next }
$1 == "text" || $1 == "code" { n = ++lines[f]; kind[f, n] = $1; line[f, n] = substr($0, 6); next }
$1 == "word" { word[f, $2] = 1; next }
$1 == "error" { n = ++errors[f]; error[f, n] = $2; remark[f, n] = $3; next }

END {
    for (i = 1; i <= functions; i++) {
        f = name_of[i]
        page = folder "/" f ".3"
        if (leader[f] == f) write_page(f)
        else print leader[f] ".3", f ".3" > links
        close(page)
    }
    page = folder "/callfan_tapi.3"
    write_overview()
}

function out(text) { print text > page }

# Text as man(7) takes it: no macro at its start, no escape, "-" as typed.
function plain(text) {
    gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); gsub(/^[.']/, "\\\\\\&&", text)
    return text
}
# The same on its own lines: mandoc wants a sentence to begin a line.
function paragraph(text) { text = plain(text); gsub(/\. +/, ".\n", text); gsub(/\n[.']/, "\n\\\\\\&.", text); out(text) }
function head(title) { out(".TH " toupper(title) " 3 \"" date "\" \"Callfan " version "\" \"Callfan\"") }
function capital(text) { return toupper(substr(text, 1, 1)) substr(text, 2) }

# What comes before the first "." ";" ":" of the comment, without what stands in parentheses; the first clause of something long.
function summary(f,    text) {
    text = line[f, 1]
    gsub(/ \([^)]*\)/, "", text)
    if (match(text, /[.;:]( |$)/)) text = substr(text, 1, RSTART - 1)
    if (length(text) > 100) sub(/, .*/, "", text)
    if (text !~ /^[A-Z][A-Z]/) text = tolower(substr(text, 1, 1)) substr(text, 2)
    if (text == "" || length(text) > 120 || text ~ /["]/)
        fault(f ": its comment does not begin with what it does, in up to 120 characters")
    return text
}

function write_page(f,    members, n, i) {
    n = split(f family[f], members, " ")
    head(f)
    out(".SH NAME")
    out(f comma(members, n) " \\- " plain(summary(f)))
    out(".SH SYNOPSIS\n.nf\n.B #include <callfan/tapi.h>\n.PP")
    for (i = 1; i <= n; i++) prototype(members[i])
    out(".fi\n.SH DESCRIPTION")
    description(f)
    out(".SH PARAMETERS")
    write_parameters(members, n)
    if (returns[f] == "LONG") write_errors(f)
    else out(".SH RETURN VALUE\nAs above; the text is never NULL and stays.")
    write_structures(members, n)
    out(".SH THREADS")
    paragraph(capital(contract_of("Overlap")))
    see_also(f)
}
function comma(members, n,    i, text) { for (i = 2; i <= n; i++) text = text ", " members[i]; return text }
function contract_of(what,    i) { for (i = 1; i <= contracts; i++) if (words_of[i] == what) return contract[i] }

# LONG lineX(TYPE name, TYPE name): in bold with names in italics, on lines of at most 78 characters.
function prototype(f,    i, width, text, piece, star, indent) {
    text = "\"" returns[f] space(returns[f]) f "(\""
    width = length(text) - 2
    indent = width
    if (parameters[f] == 0) text = text " void \");\""
    for (i = 1; i <= parameters[f]; i++) {
        piece = type[f, i] space(type[f, i])
        if (i > 1 && width + length(piece param[f, i]) > 76) { out(".BI " text); text = sprintf("\"%" (indent > 16 ? 16 : indent) "s\"", ""); text = "\"" spaces(indent > 16 ? 16 : indent) piece "\""; width = 16 + length(piece) }
        else { text = substr(text, 1, length(text) - 1) (i > 1 && text !~ /\($/ ? " " : "") piece "\""; width += length(piece) + 1 }
        text = text " " param[f, i] " \"" (i < parameters[f] ? "," : ");") "\""
        width += length(param[f, i]) + 1
    }
    out(".BI " text)
}
function space(t) { return t ~ /\*$/ ? "" : " " }
function spaces(n,    s) { while (length(s) < n) s = s " "; return s }

function description(f,    i, was) {
    was = "text"
    for (i = 1; i <= lines[f]; i++) {
        if (kind[f, i] == "code" && was == "text") out(".PP\n.RS 4\n.nf")
        if (kind[f, i] == "text" && was == "code") out(".fi\n.RE")
        if (kind[f, i] == "text" && i > 1) out(".PP")
        if (kind[f, i] == "code") out(plain(line[f, i])); else paragraph(told_once(line[f, i], i))
        was = kind[f, i]
    }
    if (was == "code") out(".fi\n.RE")
}

# A paragraph without the sentences that list errors or say "As lineX": ERRORS has them.
function told_once(text, first,    list, n, i, word, kept) {
    n = split(text, list, /\. /)
    for (i = 1; i <= n; i++) {
        word = list[i]
        sub(/[^A-Z_].*/, "", word)
        if (word in means || (list[i] ~ /^As (line|cf_)/ && (first > 1 || i > 1))) continue
        kept = kept (kept == "" ? "" : " ") list[i] (i < n ? "." : "")
    }
    return kept
}

# What is known of a parameter: by function and name, by name, or from the comment that names it.
function about(f, p,    name, all, i) {
    name = param[f, p]
    if ((f "." name) in parameter) return parameter[f "." name]
    if (name in parameter) return parameter[name]
    for (i = 1; i <= lines[f]; i++) all = all " " line[f, i]
    if (all !~ ("[^A-Za-z_]" name "[^A-Za-z_]")) fault(f ": nothing says what " name " is (docs/man/parameters, or the comment)")
    return "See DESCRIPTION."
}
function write_parameters(members, n,    i, p, done) {
    for (i = 1; i <= n; i++)
        for (p = 1; p <= parameters[members[i]]; p++) {
            if (param[members[i], p] in done) continue
            done[param[members[i], p]] = 1
            out(".TP\n.IR " param[members[i], p] " \" (" type[members[i], p] ")\"")
            paragraph(about(members[i], p))
        }
    split("", done)
}

function write_errors(f,    i, listed, common, n, list) {
    out(".SH RETURN VALUE")
    if (word[f, "async"])
        out("A request id above 0 says that it is under way: a\n.B LINE_REPLY\nwith this id comes exactly once,\nwhose second parameter is 0 or one of the errors below.\nA negative value is an error at once, and no\n.B LINE_REPLY\nfollows.")
    else if (word[f, "sync"]) out("0, or a negative value: one of the errors below.")
    else out("0 or, where DESCRIPTION says so, a count; a negative value is one of the errors below.")
    out(".SH ERRORS")
    for (i = 1; i <= errors[f]; i++) { listed[error[f, i]] = 1; write_error(error[f, i], remark[f, i]) }
    n = split("UNINITIALIZED INVALPOINTER NOMEM OPERATIONFAILED RESOURCEUNAVAIL", list, " ")
    for (i = 1; i <= n; i++) if (!(list[i] in listed)) write_error(list[i], "")
    split("", listed)
}
function write_error(name, said) {
    if (!(name in means)) fault("no text for LINEERR_" name)
    out(".TP\n.B LINEERR_" name)
    paragraph(capital(means[name]) "." (said == "" ? "" : " Here: " said "."))
}

# The structures that the prototypes name, with the text of the header.
function write_structures(members, n,    i, p, t, first, done) {
    first = 1
    for (i = 1; i <= n; i++)
        for (p = 1; p <= parameters[members[i]]; p++) {
            t = type[members[i], p]
            sub(/^const /, "", t); sub(/ \*$/, "", t)
            if (!(t in code) || t in done) continue
            done[t] = 1
            if (first) out(".SH STRUCTURES"); else out(".PP")
            first = 0
            if (said[t] != "") { paragraph(said[t]); out(".PP") }
            out(".nf")
            lined(code[t])
            out(".fi")
        }
    split("", done)
}
function lined(text,    list, n, i) {
    n = split(text, list, "\n")
    for (i = 1; i < n; i++) out(list[i] == "" ? "\\&" : plain(list[i]))
}

# The functions that the comment names, then the overview.
function see_also(f,    all, i, rest, name, list) {
    for (i = 1; i <= lines[f]; i++) all = all " " line[f, i]
    rest = all
    while (match(rest, /(line[A-Z][A-Za-z]+|cf_[a-z_]+)/)) {
        name = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        if (name != f && name in returns && index(list, "\n.BR " name " (3)") == 0) list = list "\n.BR " name " (3),"
    }
    out(".SH SEE ALSO" list "\n.BR callfan_tapi (3),\n.BR callfand (8)")
}

function write_overview(    i, s) {
    head("callfan_tapi")
    out(".SH NAME\ncallfan_tapi \\- call handles and call states of TAPI 2.2 for applications")
    out(".SH SYNOPSIS\n.nf\n.B #include <callfan/tapi.h>\n.PP\n.BR cc \" ... $(pkg-config \\-\\-cflags \\-\\-libs callfan)\"\n.fi")
    out(".SH DESCRIPTION")
    paragraph("An application links libcallfan, which joins it to the service callfand by shared memory. What holds for all functions:")
    for (i = 1; i <= contracts; i++) { out(".TP\n.B " words_of[i]); paragraph(capital(contract[i]) (contract[i] ~ /\.$/ ? "" : ".")) }
    out(".SH FUNCTIONS")
    for (s = 1; s <= sections_count; s++) {
        started = 0
        for (i = 1; i <= functions; i++) {
            if (part[name_of[i]] != sections[s]) continue
            if (!started++) out(".SS " sections[s])
            out(".TP\n.BR " name_of[i] " (3)")
            out(plain(summary(leader[name_of[i]])))
        }
    }
    out(".SH ENVIRONMENT\n.TP\n.B CALLFAN_SOCKET\nThe socket of the service, in place of\n.IR /run/callfan/callfan.sock .")
    out(".SH SEE ALSO\n.BR callfan (1),\n.BR callfan.conf (5),\n.BR callfand (8)")
}
