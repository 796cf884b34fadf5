/*
 * The names of windows.h that programs with TAPI use, for those that are to compile here as they are: include this in place of
 * windows.h and tapi.h. Where the program runs a message loop, include callfan/windows_loop.h.
 *
 * Shape      types and macros alone. What differs from Windows is that of callfan/tapi.h: handles have 64 bits, so a LINECALLBACK's
 *            first parameter is to be declared as HCALL or HLINE (there the same as DWORD); strings are UTF-8
 */
#ifndef CALLFAN_WINDOWS_NAMES_H
#define CALLFAN_WINDOWS_NAMES_H

#include <string.h>

#include "callfan/tapi.h"

typedef int BOOL;
typedef int INT;
typedef unsigned int UINT;
typedef char CHAR;
typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint32_t ULONG;
typedef uintptr_t UINT_PTR, WPARAM;
typedef intptr_t INT_PTR, LPARAM, LRESULT;
typedef void *LPVOID, *PVOID, *HINSTANCE, *HMODULE, *HWND;
typedef const void *LPCVOID;
typedef char *LPSTR;
typedef BYTE *LPBYTE;

#ifndef TRUE
#define TRUE  1
#define FALSE 0
#endif
#ifndef VOID
#define VOID void
#endif
#ifndef INFINITE
#define INFINITE 0xFFFFFFFFU
#endif

/* Calling conventions and pointer sizes that there is only one of here. */
#define CALLBACK
#define WINAPI
#define PASCAL
#define FAR
#define NEAR

#define ZeroMemory(to, bytes)       memset((to), 0, (bytes))
#define CopyMemory(to, from, bytes) memcpy((to), (from), (bytes))

#endif
