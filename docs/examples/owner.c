/*
 * An owner: takes the incoming calls of a line, asks a colleague about each, and transfers it to him.
 *
 *     owner [LINE [CALLS]]    ends when so many calls have ended
 */
#include "steps.h"

enum { CALLER, COLLEAGUE };

static LONG answer(struct walk *w)
{
    return lineAnswer(w->calls[CALLER], NULL, 0);
}

static LONG hold(struct walk *w)
{
    return lineHold(w->calls[CALLER]);
}

static LONG unhold(struct walk *w)
{
    return lineUnhold(w->calls[CALLER]);
}

static LONG consult(struct walk *w) /* the handle is there with LINE_REPLY */
{
    return lineSetupTransfer(w->calls[CALLER], &w->calls[COLLEAGUE], dialled("5551"));
}

static LONG to_caller(struct walk *w)
{
    return lineSwapHold(w->calls[COLLEAGUE], w->calls[CALLER]);
}

static LONG to_colleague(struct walk *w)
{
    return lineSwapHold(w->calls[CALLER], w->calls[COLLEAGUE]);
}

static LONG transfer(struct walk *w)
{
    return lineCompleteTransfer(w->calls[CALLER], w->calls[COLLEAGUE], NULL, LINETRANSFERMODE_TRANSFER);
}

static const struct step table[] = {
    /* the caller's call              the consultation call */
    {{LINECALLSTATE_OFFERING}, "lineAnswer", answer},
    {{LINECALLSTATE_CONNECTED}, "lineHold", hold},
    {{LINECALLSTATE_ONHOLD}, "lineUnhold", unhold},
    {{LINECALLSTATE_CONNECTED}, "lineSetupTransfer", consult},
    {{LINECALLSTATE_ONHOLDPENDTRANSFER, LINECALLSTATE_CONNECTED}, "lineSwapHold", to_caller},
    {{LINECALLSTATE_CONNECTED, LINECALLSTATE_ONHOLDPENDTRANSFER}, "lineSwapHold", to_colleague},
    {{LINECALLSTATE_ONHOLDPENDTRANSFER, LINECALLSTATE_CONNECTED}, "lineCompleteTransfer", transfer},
};

int main(int argc, char **argv)
{
    steps = table;
    steps_count = sizeof table / sizeof *table;
    return walk_calls("owner", argc > 1 ? (DWORD)strtoul(argv[1], NULL, 10) : 0,
                      argc > 2 ? strtol(argv[2], NULL, 10) : -1);
}
