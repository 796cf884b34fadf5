/*
 * What the owners among the examples share: they take the incoming calls of a line and walk each, with the calls that are made for its
 * sake, through a table of steps. A step is due when each of these calls is in the state that the table says.
 *
 * What a step calls is asynchronous: the states of the next step come with LINE_CALLSTATE, what failed with LINE_REPLY.
 */
#ifndef EXAMPLES_STEPS_H
#define EXAMPLES_STEPS_H

#include <callfan/tapi.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALKS_MAX = 256, WALK_CALLS = 4 };

struct walk {
    HCALL calls
        [WALK_CALLS]; /* the incoming one first, 0: free; the others are 0 until they are made. Valid until given back */
    DWORD states[WALK_CALLS]; /* 0: not told yet */
    size_t step;              /* the next one */
    LONG request;             /* what LINE_REPLY is awaited of; 0: nothing */
    bool given_up;
};

struct step {
    DWORD states[WALK_CALLS];
    const char *what;
    LONG (*take)(struct walk *w); /* a request, 0 when it is done, or an error */
};

static struct walk walks[WALKS_MAX];
static const struct step *steps;
static size_t steps_count;

static int fail(const char *what, LONG error)
{
    fprintf(stderr, "%s: %s: %s\n", what, cf_line_error_name(error), cf_line_error_text(error));
    return 1;
}

/* Parameters of a consultation call that is dialled at once, with the number in their variable part. Valid until the next ones. */
static const LINECALLPARAMS *dialled(const char *number)
{
    static struct {
        LINECALLPARAMS fixed;
        char number[64];
    } params;
    snprintf(params.number, sizeof params.number, "%s", number);
    params.fixed = (LINECALLPARAMS){.dwTotalSize = sizeof params,
                                    .dwBearerMode = LINEBEARERMODE_VOICE,
                                    .dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE,
                                    .dwAddressMode = LINEADDRESSMODE_ADDRESSID,
                                    .dwCallParamFlags = LINECALLPARAMFLAGS_ONESTEPTRANSFER,
                                    .dwTargetAddressSize = (DWORD)strlen(params.number) + 1,
                                    .dwTargetAddressOffset = (DWORD)(params.number - (char *)&params)};
    return &params.fixed;
}

/* Drops what there is of it. What is made for it later is dropped when its LINE_REPLY comes. */
static void give_up(struct walk *w)
{
    w->given_up = true;
    for (size_t i = 0; i < WALK_CALLS; i++)
        if (w->calls[i] != 0 && w->states[i] != LINECALLSTATE_IDLE)
            lineDrop(w->calls[i], NULL, 0);
}

static void go_on(struct walk *w)
{
    while (!w->given_up && w->step < steps_count && memcmp(steps[w->step].states, w->states, sizeof w->states) == 0) {
        const struct step *s = &steps[w->step++];
        printf("call %016" PRIx64 " %s\n", w->calls[0], s->what);
        LONG request = s->take(w);
        if (request > 0) {
            w->request = request;
        } else if (request < 0) {
            fail(s->what, request);
            give_up(w);
        }
    }
}

/* Returns 1, and gives its handles back, when all of it has ended and nothing is awaited. */
static int ended(struct walk *w)
{
    for (size_t i = 0; i < WALK_CALLS; i++)
        if (w->calls[i] != 0 && w->states[i] != LINECALLSTATE_IDLE)
            return 0;
    if (w->request != 0)
        return 0;
    for (size_t i = 0; i < WALK_CALLS; i++)
        if (w->calls[i] != 0)
            lineDeallocateCall(w->calls[i]);
    *w = (struct walk){0};
    return 1;
}

/* A step that failed is the last one. */
static int reply(LONG request, LONG error)
{
    struct walk *w = walks;
    while (w < walks + WALKS_MAX && (w->calls[0] == 0 || w->request != request))
        w++;
    if (w == walks + WALKS_MAX)
        return 0;
    w->request = 0;
    if (error != 0)
        fail(steps[w->step - 1].what, error);
    if (error != 0 || w->given_up)
        give_up(w);
    return ended(w);
}

static struct walk *find(HCALL call, size_t *ret_place)
{
    for (size_t i = 0; i < (size_t)WALKS_MAX * WALK_CALLS; i++) {
        *ret_place = i % WALK_CALLS;
        if (walks[i / WALK_CALLS].calls[*ret_place] == call)
            return &walks[i / WALK_CALLS];
    }
    return NULL;
}

static int state(HCALL call, DWORD state, DWORD mode)
{
    size_t place;
    struct walk *w = find(call, &place);
    printf("call %016" PRIx64 " is %s %s\n", call, cf_call_state_name(state), cf_call_mode_name(state, mode));
    if (w == NULL)
        return 0;
    w->states[place] = state;
    if (state == LINECALLSTATE_DISCONNECTED || state == LINECALLSTATE_BUSY)
        lineDrop(call, NULL, 0); /* the other side has hung up, or cannot be reached: clear the line */
    go_on(w);
    if (state == LINECALLSTATE_IDLE && w->step < steps_count && steps[w->step].states[place] != LINECALLSTATE_IDLE)
        give_up(w); /* the next step can never be due */
    return ended(w);
}

static void begin(HCALL call)
{
    struct walk *w = walks;
    while (w < walks + WALKS_MAX && w->calls[0] != 0)
        w++;
    if (w < walks + WALKS_MAX)
        w->calls[0] = call;
    else
        lineDeallocateCall(call); /* more than this program holds: the call goes on without an owner */
}

/* Returns the program's exit status when so many walks have ended (-1: no end), or its line was closed. */
static int walk_calls(const char *name, DWORD device, long left)
{
    HLINEAPP app;
    HLINE line;
    LINEMESSAGE m;
    DWORD devices, version = TAPI_CURRENT_VERSION;
    LINEINITIALIZEEXPARAMS params = {.dwTotalSize = sizeof params, .dwOptions = LINEINITIALIZEEXOPTION_USEEVENT};

    LONG error = lineInitializeEx(&app, NULL, NULL, name, &devices, &version, &params);
    if (error != 0)
        return fail("lineInitializeEx", error);
    error = lineOpen(app, device, &line, version, 0, 0, LINECALLPRIVILEGE_OWNER, LINEMEDIAMODE_INTERACTIVEVOICE, NULL);
    if (error != 0)
        return fail("lineOpen", error);
    while (left != 0 && (error = lineGetMessage(app, &m, 0xFFFFFFFF)) == 0) {
        switch (m.dwMessageID) {
        case LINE_APPNEWCALL: /* its first LINE_CALLSTATE comes next */
            begin((HCALL)m.dwParam2);
            break;
        case LINE_CALLSTATE:
            left -= state(m.hDevice, (DWORD)m.dwParam1, (DWORD)m.dwParam2);
            break;
        case LINE_REPLY:
            left -= reply((LONG)m.dwParam1, (LONG)m.dwParam2);
            break;
        case LINE_CLOSE:
            left = 0;
            break;
        }
        fflush(stdout);
    }
    lineShutdown(app);
    return error == 0 ? 0 : fail("lineGetMessage", error);
}

#endif
