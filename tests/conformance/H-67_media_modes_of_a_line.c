/* H-67: the provider is told for which media modes a line is open, at first and whenever an open or a close changes that. */
#include "tests/support/conformance.h"

static HLINE open_for(struct client *c, DWORD privileges, DWORD media)
{
    HLINE line = 0;
    assert_error(lineOpen(c->app, 1, &line, c->api_version, 0, c->instance, privileges, media, NULL), 0);
    return line;
}

static void the_provider_is_told(struct world *w, DWORD media)
{
    struct cf_command c = exchange_command(&w->exchange, CF_CMD_OPEN_LINE);
    assert_int_equal(c.line, 1);
    assert_int_equal(c.media_modes, media);
}

static void each_change_of_the_union_is_told(void **state)
{
    struct world *w = *state;
    struct client a;
    client_join(&a);
    const DWORD voice = LINEMEDIAMODE_INTERACTIVEVOICE, fax = LINEMEDIAMODE_G3FAX;
    HLINE monitor = open_for(&a, MONITOR, voice); /* media modes are an owner's */
    the_provider_is_told(w, 0);
    HLINE first = open_for(&a, OWNER, voice);
    the_provider_is_told(w, voice);
    HLINE second = open_for(&a, OWNER | MONITOR, voice | fax);
    the_provider_is_told(w, voice | fax);
    HLINE third = open_for(&a, OWNER, fax); /* nothing new */
    assert_error(lineClose(first), 0);
    assert_error(lineClose(third), 0);
    assert_error(lineClose(second), 0);
    the_provider_is_told(w, 0);
    assert_error(lineClose(monitor), 0);
    struct cf_command c = exchange_command(&w->exchange, CF_CMD_CLOSE_LINE);
    assert_int_equal(c.line, 1);
    assert_false(exchange_has(&w->exchange, CF_CMD_OPEN_LINE, 0));
    client_leave(&a);
}

RUN_IN_WORLD(cmocka_unit_test(each_change_of_the_union_is_told))
