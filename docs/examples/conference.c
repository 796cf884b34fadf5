/*
 * A conference: takes the incoming calls of a line, brings two more parties to each, lets the first of them go, and ends it.
 *
 *     conference [LINE [CALLS]]    ends when so many incoming calls, and what was made of them, have ended
 */
#include "steps.h"

enum { CALLER, CONFERENCE, SECOND, THIRD }; /* CONFERENCE: the call that stands for it */

static LONG answer(struct walk *w)
{
    return lineAnswer(w->calls[CALLER], NULL, 0);
}

static LONG setup(struct walk *w)
{
    return lineSetupConference(w->calls[CALLER], 0, &w->calls[CONFERENCE], &w->calls[SECOND], WALK_CALLS,
                               dialled("5551"));
}

static LONG add_second(struct walk *w)
{
    return lineAddToConference(w->calls[CONFERENCE], w->calls[SECOND]);
}

static LONG prepare(struct walk *w)
{
    return linePrepareAddToConference(w->calls[CONFERENCE], &w->calls[THIRD], dialled("5552"));
}

static LONG add_third(struct walk *w)
{
    return lineAddToConference(w->calls[CONFERENCE], w->calls[THIRD]);
}

/* The conference's own call comes first. A list that is too small has no entries, and dwNeededSize says what it takes. */
static LONG list(struct walk *w)
{
    struct {
        LINECALLLIST fixed;
        HCALL room[WALK_CALLS];
    } l = {.fixed.dwTotalSize = sizeof l};
    LONG error = lineGetConfRelatedCalls(w->calls[THIRD], &l.fixed);
    const char *at = (const char *)&l + l.fixed.dwCallsOffset;
    for (DWORD i = 0; error == 0 && i < l.fixed.dwCallsNumEntries; i++) {
        HCALL call;
        memcpy(&call, at + i * sizeof call, sizeof call);
        printf("call %016" PRIx64 " is related\n", call);
    }
    return error;
}

static LONG remove_second(struct walk *w)
{
    return lineRemoveFromConference(w->calls[SECOND]);
}

static LONG drop_conference(struct walk *w)
{
    return lineDrop(w->calls[CONFERENCE], NULL, 0); /* where LINEADDRCAPFLAGS_CONFDROP is set its members end with it */
}

static LONG drop_second(struct walk *w)
{
    return lineDrop(w->calls[SECOND], NULL, 0);
}

#define CONNECTED   LINECALLSTATE_CONNECTED
#define CONFERENCED LINECALLSTATE_CONFERENCED
#define WAITS       LINECALLSTATE_ONHOLDPENDCONF
#define IDLE        LINECALLSTATE_IDLE

static const struct step table[] = {
    /* the caller, the conference, the second, the third */
    {{LINECALLSTATE_OFFERING}, "lineAnswer", answer},
    {{CONNECTED}, "lineSetupConference", setup},
    {{CONFERENCED, WAITS, CONNECTED}, "lineAddToConference", add_second},
    {{CONFERENCED, CONNECTED, CONFERENCED}, "linePrepareAddToConference", prepare},
    {{CONFERENCED, WAITS, CONFERENCED, CONNECTED}, "lineAddToConference", add_third},
    {{CONFERENCED, CONNECTED, CONFERENCED, CONFERENCED}, "lineGetConfRelatedCalls", list},
    {{CONFERENCED, CONNECTED, CONFERENCED, CONFERENCED}, "lineRemoveFromConference", remove_second},
    {{CONFERENCED, CONNECTED, CONNECTED, CONFERENCED}, "lineDrop", drop_conference},
    {{IDLE, IDLE, CONNECTED, IDLE}, "lineDrop", drop_second},
};

int main(int argc, char **argv)
{
    steps = table;
    steps_count = sizeof table / sizeof *table;
    return walk_calls("conference", argc > 1 ? (DWORD)strtoul(argv[1], NULL, 10) : 0,
                      argc > 2 ? strtol(argv[2], NULL, 10) : -1);
}
