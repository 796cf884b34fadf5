# api_functions.awk: from what scripts/api.awk printed, the table of tests/test_api_arguments.c: each function of callfan/tapi.h with a
# way to call it, its parameters, and the errors that its comment names.
BEGIN { FS = "\t" }
$1 == "function" { finish(); name = $2; returns = $3; parameters = 0; errors = ""; words = ""; optional = ""; feature = "0"; next }
$1 == "parameter" { type[++parameters] = $2; param[parameters] = $3; next }
$1 == "word" && $2 == "optional" { optional = optional " " $3 " "; next }
$1 == "word" { words = words " | API_" toupper($2); next }
$1 == "feature" { feature = "LINECALLFEATURE_" $2; next }
$1 == "error" { errors = errors "LINEERR_" $2 ", "; next }
END { finish(); print "\nstatic const struct api_function api_functions[] = {\n" table "};" }

# What a parameter is made of: pointers by way of uintptr_t.
function from(i,    cast) {
    cast = type[i] ~ /\*$/ || type[i] == "LINECALLBACK" ? "(uintptr_t)" : ""
    return "(" type[i] ")" cast "v[" (i - 1) "]"
}
function finish(    i, list) {
    if (name == "") return
    for (i = 1; i <= parameters; i++) list = list (i > 1 ? ", " : "") from(i)
    print "static uint64_t call_" name "(const uint64_t *v)\n{"
    print "    return (uint64_t)" (returns == "LONG" ? "(int64_t)" : "(uintptr_t)") name "(" list ");\n}"
    print "static const struct api_parameter parameters_" name "[] = {"
    for (i = 1; i <= parameters; i++)
        print "    {\"" type[i] "\", \"" param[i] "\", " (index(optional, " " param[i] " ") ? "true" : "false") "},"
    print "};"
    print "static const LONG errors_" name "[] = {" errors "0};"
    if (returns != "LONG") words = words " | API_TEXT"
    table = table "    {\"" name "\", call_" name ", parameters_" name ", " parameters ", errors_" name ", 0" words ", " feature "},\n"
}
