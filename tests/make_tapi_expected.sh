#!/usr/bin/env bash
# make_tapi_expected.sh [MINGW_INCLUDE_DIR]: prints tests/tapi_expected.inc, what Microsoft's TAPI 2.2 has where
# callfan/tapi_const.h and callfan/tapi.h have it too: names and values, and size and offset of every field, for LP64.
#
# The values come from mingw-w64's tapi.h and tspi.h (Debian package mingw-w64-common, public domain), compiled here
# with a few types in place of windows.h. That header is TAPI 3.1's: the fields that 3.0 added to the end of four
# structures are cut off before it is compiled. Of each family of constants that callfan/tapi_const.h has, all are taken.
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/.." && pwd)
mingw=${1:-/usr/share/mingw-w64/include}
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

structs="LINEMESSAGE LINEINITIALIZEEXPARAMS LINEEXTENSIONID LINEDIALPARAMS VARSTRING LINETERMCAPS LINEAPPINFO
    LINECALLTREATMENTENTRY LINEFORWARD LINEFORWARDLIST LINEGENERATETONE LINEMONITORTONE LINEDEVCAPS LINEADDRESSCAPS
    LINEDEVSTATUS LINEADDRESSSTATUS LINECALLPARAMS LINECALLINFO LINECALLSTATUS LINECALLLIST"
tapi3="LINECALLINFO.dwCallerIDAddressType LINECALLPARAMS.dwAddressType LINEDEVCAPS.dwAddressTypes
    LINEFORWARD.dwCallerAddressType"

mkdir "$work/include" # alone: mingw's directory would bring its own stdio.h
awk -v cut="${tapi3//$'\n'/ }" '
    BEGIN { count = split(cut, list, /[ .]+/); for (i = 1; i < count; i += 2) from[tolower(list[i]) "_tag"] = list[i + 1] ";" }
    /typedef struct .*_tag/ { first = from[$3]; off = 0 }
    first != "" && $NF == first { off = 1 }
    /^ *} / { off = 0 }
    !off' "$mingw/tapi.h" > "$work/include/tapi.h"
: > "$work/include/_mingw_unicode.h"
: > "$work/include/basetsd.h"
: > "$work/include/oaidl.h"
cat > "$work/include/windows.h" << 'END'
#include <stdint.h>
typedef uint32_t DWORD, *LPDWORD;
typedef int32_t LONG, WINBOOL;
typedef uint8_t BYTE;
typedef uint16_t WORD, WCHAR;
typedef uintptr_t DWORD_PTR, WPARAM;
typedef void *HANDLE, *HWND, *HICON, *HINSTANCE, *LPVOID;
typedef HANDLE *LPHANDLE;
typedef const void *LPCVOID;
typedef const char *LPCSTR;
typedef char *LPSTR;
typedef const WCHAR *LPCWSTR;
typedef WCHAR *LPWSTR;
typedef int64_t CURRENCY;
typedef double DATE;
typedef struct { WORD wYear, wMonth, wDayOfWeek, wDay, wHour, wMinute, wSecond, wMilliseconds; } SYSTEMTIME;
#define CALLBACK
#define WINAPI
#define DECLSPEC_IMPORT
#define __MSABI_LONG(x) x
#define __LONG32 int
#define __C89_NAMELESS
END

# Names of our constants that are TAPI's, and of all others of their families (what stands before the last "_").
ours=$(sed -n 's/^#define \([A-Z][A-Z0-9_]*\) .*/\1/p' "$source_dir/include/callfan/tapi_const.h" |
    grep -v -e '^CF_' -e '^TAPI_CURRENT_VERSION$')
families=$(echo "$ours" | sed -n 's/^\(LINE[A-Z0-9]*\|PHONE\|STRINGFORMAT\)_.*/\1/p' | sort -u)
theirs=$(sed -n 's/^ *#define \([A-Z][A-Z0-9_]*\) ..*/\1/p' "$mingw/tapi.h" "$mingw/tspi.h")
names=$({
    for family in $families; do
        echo "$theirs" | grep "^${family}_[A-Z0-9_]*$"
    done
    echo "$ours"
} | sort -u)

fields() {
    awk -v name="$1" '
        /typedef struct .*_tag/ { count = 0; depth = 0; next }
        /union \{/ { depth = 1; next }
        depth && /^ *\} / { depth = 0 }
        depth { next }
        match($0, "^ *} " name ",") { for (i = 0; i < count; i++) print list[i]; exit }
        /;$/ { gsub(/;|\[1\]/, ""); list[count++] = $NF }' "$work/include/tapi.h"
}

{
    echo '#include <stdio.h>'
    echo '#include <stddef.h>'
    echo '#include "tapi.h"'
    grep -h -e '^#define TSPI_MESSAGE_BASE' -e '^#define LINE_' -e '^#define LINETSPIOPTION_' "$mingw/tspi.h"
    echo 'int main(void) {'
    for name in $names; do
        echo "printf(\"CONSTANT($name, 0x%08X)\\n\", (unsigned)($name));"
    done
    for struct in $structs; do
        list=$(fields "$struct")
        [ -n "$list" ] || { echo "make_tapi_expected: no $struct in $mingw/tapi.h" >&2; exit 1; }
        for field in $list; do
            echo "printf(\"FIELD($struct, $field, %zu, %zu)\\n\", offsetof($struct, $field), sizeof((($struct *)0)->$field));"
        done
        echo "printf(\"STRUCT($struct, %zu)\\n\", sizeof($struct));"
    done
    echo 'return 0; }'
} > "$work/print.c"
"$cc" -w -I"$work/include" -o "$work/print" "$work/print.c"

echo "/* Made by tests/make_tapi_expected.sh from mingw-w64's tapi.h and tspi.h (public domain). */"
"$work/print" | paste -d ' ' - -
