/*
 * The message loop of a Windows program that has initialised TAPI with LINEINITIALIZEEXOPTION_USEHIDDENWINDOW: GetMessage waits until
 * an application of this source file has a TAPI message, DispatchMessage runs its callback. There are no other messages.
 *
 * Shape      inline functions over poll() and cf_dispatch(); lineInitializeEx and lineShutdown are wrapped, so that GetMessage knows the
 *            applications
 * Writers    the thread of the loop. Initialise and shut down there, as a window's thread does
 * Overlap    none: one loop, in one source file
 */
#ifndef CALLFAN_WINDOWS_LOOP_H
#define CALLFAN_WINDOWS_LOOP_H

#include <errno.h>
#include <poll.h>

#include "callfan/windows_names.h"

typedef struct tagMSG {
    HWND hwnd;
    UINT message;
    WPARAM wParam;
    LPARAM lParam;
} MSG, *LPMSG;

#define WM_NULL 0x0000U
#define WM_QUIT 0x0012U

enum { CF_WINDOWS_APPS_MAX = 8 };

static struct {
    HLINEAPP apps[CF_WINDOWS_APPS_MAX];
    struct pollfd pending[CF_WINDOWS_APPS_MAX];
    unsigned count;
    int quit, quit_code;
} cf_windows;

static inline LONG cf_windows_initialize(HLINEAPP *app, void *instance, LINECALLBACK callback, const char *name,
                                         DWORD *ret_devs_count, DWORD *version, LINEINITIALIZEEXPARAMS *params)
{
    if (cf_windows.count == CF_WINDOWS_APPS_MAX)
        return LINEERR_RESOURCEUNAVAIL;
    LINEINITIALIZEEXPARAMS window; /* what TAPI takes where none are given */
    memset(&window, 0, sizeof window);
    window.dwTotalSize = sizeof window;
    window.dwOptions = LINEINITIALIZEEXOPTION_USEHIDDENWINDOW;
    if (params == NULL)
        params = &window;
    LONG error = lineInitializeEx(app, instance, callback, name, ret_devs_count, version, params);
    if (error == 0 && callback != NULL && params->dwOptions == LINEINITIALIZEEXOPTION_USEHIDDENWINDOW) {
        cf_windows.apps[cf_windows.count] = *app;
        cf_windows.pending[cf_windows.count].fd = params->Handles.hEvent;
        cf_windows.pending[cf_windows.count++].events = POLLIN;
    }
    return error;
}

static inline LONG cf_windows_shutdown(HLINEAPP app)
{
    for (unsigned i = 0; i < cf_windows.count; i++)
        if (cf_windows.apps[i] == app) {
            cf_windows.count--;
            cf_windows.apps[i] = cf_windows.apps[cf_windows.count];
            cf_windows.pending[i] = cf_windows.pending[cf_windows.count];
        }
    return lineShutdown(app);
}

static inline void PostQuitMessage(int code)
{
    cf_windows.quit = 1;
    cf_windows.quit_code = code;
}

/* As on Windows: above 0 with a message, 0 after PostQuitMessage, -1 when it failed (here also: nothing can ever come). */
static inline BOOL GetMessage(MSG *message, HWND window, UINT first, UINT last)
{
    (void)window, (void)first, (void)last;
    memset(message, 0, sizeof *message);
    for (;;) {
        if (cf_windows.quit) {
            cf_windows.quit = 0;
            message->message = WM_QUIT;
            message->wParam = (WPARAM)cf_windows.quit_code;
            return FALSE;
        }
        if (cf_windows.count == 0)
            return -1;
        int ready = poll(cf_windows.pending, cf_windows.count, -1);
        if (ready < 0 && errno != EINTR)
            return -1;
        for (unsigned i = 0; ready > 0 && i < cf_windows.count; i++)
            if (cf_windows.pending[i].revents != 0) {
                message->wParam = (WPARAM)cf_windows.apps[i];
                return TRUE;
            }
    }
}

static inline BOOL TranslateMessage(const MSG *message)
{
    (void)message;
    return FALSE;
}

/* Runs the callback for one TAPI message. */
static inline LRESULT DispatchMessage(const MSG *message)
{
    return cf_dispatch((HLINEAPP)message->wParam, 1);
}

#define lineInitializeEx cf_windows_initialize
#define lineShutdown     cf_windows_shutdown

#endif
