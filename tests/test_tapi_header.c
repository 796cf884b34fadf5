/*
 * callfan/tapi_const.h and callfan/tapi.h against Microsoft's TAPI 2.2: every constant, and size, offset and order of
 * every field, by the table that make_tapi_expected.sh made from mingw-w64's headers. Where the two differ, the
 * difference stands below; anything else is a defect. Then the names and texts of client/errors.c over the same table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/tapi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct constant {
    const char *name;
    uint32_t ours;
    uint32_t expected;
};

struct field {
    const char *structure;
    const char *name;
    size_t offset, size;
    size_t expected_offset, expected_size;
};

struct structure {
    const char *name;
    size_t size;
    size_t expected_size;
};

#define CONSTANT(name, value) {#name, (uint32_t)(name), value},
#define FIELD(structure, name, offset, size)
#define STRUCT(name, size)
static const struct constant constants[] = {
#include "tapi_expected.inc"
};
#undef CONSTANT
#undef FIELD
#undef STRUCT

#define CONSTANT(name, value)
#define FIELD(structure, name, offset, size)                                                                           \
    {#structure, #name, offsetof(structure, name), sizeof(((structure *)NULL)->name), offset, size},
#define STRUCT(name, size)
static const struct field fields[] = {
#include "tapi_expected.inc"
};
#undef FIELD
#undef STRUCT

#define FIELD(structure, name, offset, size)
#define STRUCT(name, size) {#name, sizeof(name), size},
static const struct structure structures[] = {
#include "tapi_expected.inc"
};

/* ---- where the two differ, on purpose: 64-bit handles, natural alignment, a descriptor for an event ---- */

/* Fields that lie elsewhere: from TAPI's offset on, by so many bytes; the last row that fits counts. */
static const struct moved {
    const char *structure;
    size_t from;
    int by;
} moved[] = {
    {"LINEMESSAGE", 4, 4},
    {"LINEMESSAGE", 8, 8},
    {"LINECALLINFO", 12, 4},
    {"LINECALLINFO", 16, 8},
    {"LINEINITIALIZEEXPARAMS", 24, -4},
};

static const struct resized {
    const char *structure;
    const char *field;
    size_t size;
} resized[] = {
    {"LINEMESSAGE", "hDevice", 8},
    {"LINECALLINFO", "hLine", 8},
    {"LINEINITIALIZEEXPARAMS", "Handles", 4},
};

static const struct structure resized_structures[] = {
    {"LINEMESSAGE", 48, 40},
    {"LINECALLINFO", 336, 324},
    {"LINEINITIALIZEEXPARAMS", 24, 28},
};

/* Padding: so many bytes follow the field. */
static const struct padding {
    const char *structure;
    const char *after;
    size_t bytes;
} paddings[] = {
    {"LINEMESSAGE", "dwMessageID", 4},
    {"LINECALLINFO", "dwUsedSize", 4},
    {"LINECALLINFO", "dwReceivingFlowspecOffset", 4},
};

/* Defined by callfan/tapi_const.h with a value of its own. */
static const char *const own_values[] = {"CALLFAN_TAPI_CONST_H", "TAPI_CURRENT_VERSION"};

static size_t expected_offset(const struct field *field)
{
    int by = 0;
    for (size_t i = 0; i < COUNT(moved); i++)
        if (strcmp(moved[i].structure, field->structure) == 0 && field->expected_offset >= moved[i].from)
            by = moved[i].by;
    return (size_t)((ptrdiff_t)field->expected_offset + by);
}

static size_t expected_size(const struct field *field)
{
    for (size_t i = 0; i < COUNT(resized); i++)
        if (strcmp(resized[i].structure, field->structure) == 0 && strcmp(resized[i].field, field->name) == 0)
            return resized[i].size;
    return field->expected_size;
}

static size_t padding_after(const struct field *field)
{
    for (size_t i = 0; i < COUNT(paddings); i++)
        if (strcmp(paddings[i].structure, field->structure) == 0 && strcmp(paddings[i].after, field->name) == 0)
            return paddings[i].bytes;
    return 0;
}

static const struct structure *structure_named(const char *name)
{
    for (size_t i = 0; i < COUNT(structures); i++)
        if (strcmp(structures[i].name, name) == 0)
            return &structures[i];
    fail_msg("no structure %s in tapi_expected.inc", name);
    return NULL;
}

static void every_constant_has_tapis_value(void **state)
{
    (void)state;
    assert_true(COUNT(constants) > 500);
    for (size_t i = 0; i < COUNT(constants); i++)
        if (constants[i].ours != constants[i].expected)
            fail_msg("%s is 0x%08X, TAPI's is 0x%08X", constants[i].name, constants[i].ours, constants[i].expected);
}

static bool is_known(const char *name)
{
    if (strncmp(name, "CF_", 3) == 0)
        return true;
    for (size_t i = 0; i < COUNT(own_values); i++)
        if (strcmp(own_values[i], name) == 0)
            return true;
    for (size_t i = 0; i < COUNT(constants); i++)
        if (strcmp(constants[i].name, name) == 0)
            return true;
    return false;
}

static void the_header_defines_nothing_that_is_not_compared(void **state)
{
    (void)state;
    const char *source = getenv("CALLFAN_SOURCE");
    assert_non_null(source);
    char path[4096];
    assert_in_range(snprintf(path, sizeof(path), "%s/include/callfan/tapi_const.h", source), 1, sizeof(path) - 1);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[512];
    char name[128];
    size_t defines = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "#define %127s", name) != 1)
            continue;
        defines++;
        if (!is_known(name))
            fail_msg("%s is not in tapi_expected.inc: make it again with make_tapi_expected.sh", name);
    }
    fclose(file);
    assert_true(defines >= COUNT(constants));
}

static void every_field_lies_where_tapi_has_it_or_where_the_departures_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        const struct field *field = &fields[i];
        if (field->offset != expected_offset(field) || field->size != expected_size(field))
            fail_msg("%s.%s has offset %zu and size %zu, not %zu and %zu", field->structure, field->name, field->offset,
                     field->size, expected_offset(field), expected_size(field));
    }
}

static void no_structure_has_a_field_that_tapi_has_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        const struct field *field = &fields[i];
        bool last = i + 1 == COUNT(fields) || strcmp(fields[i + 1].structure, field->structure) != 0;
        size_t next = last ? structure_named(field->structure)->size : fields[i + 1].offset;
        size_t end = field->offset + field->size + padding_after(field);
        if (end != next)
            fail_msg("%s.%s ends at %zu, but what follows it begins at %zu", field->structure, field->name, end, next);
    }
}

static void every_structure_has_tapis_size_or_that_of_the_departures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(structures); i++) {
        size_t expected = structures[i].expected_size;
        for (size_t k = 0; k < COUNT(resized_structures); k++)
            if (strcmp(resized_structures[k].name, structures[i].name) == 0) {
                assert_int_equal(resized_structures[k].expected_size, expected);
                expected = resized_structures[k].size;
            }
        if (structures[i].size != expected)
            fail_msg("%s has %zu bytes, not %zu", structures[i].name, structures[i].size, expected);
    }
}

static void versions_cut_the_structures_where_tapi_cuts_them(void **state)
{
    (void)state;
    assert_int_equal(offsetof(LINECALLINFO, dwCallTreatment), 296 + 8);
    assert_int_equal(offsetof(LINECALLSTATUS, dwCallFeatures2), 36);
    assert_int_equal(offsetof(LINECALLPARAMS, dwPredictiveAutoTransferStates), 112);
    assert_int_equal(offsetof(LINEDEVCAPS, dwSettableDevStatus), 240);
    assert_int_equal(offsetof(LINEDEVCAPS, PermanentLineGuid), 252);
    assert_int_equal(offsetof(LINEADDRESSCAPS, dwPredictiveAutoTransferStates), 180);
    assert_int_equal(offsetof(LINEDEVSTATUS, dwAvailableMediaModes), 76);
}

static void handles_and_parameters_have_64_bits_and_results_32(void **state)
{
    (void)state;
    assert_int_equal(sizeof(HLINEAPP), 8);
    assert_int_equal(sizeof(HLINE), 8);
    assert_int_equal(sizeof(HCALL), 8);
    assert_int_equal(sizeof(DWORD_PTR), 8);
    assert_int_equal(sizeof(LONG), 4);
    assert_int_equal(sizeof(DWORD), 4);
    assert_int_equal(sizeof(SYSTEMTIME), 16);
    assert_int_equal(sizeof(GUID), 16);
    for (size_t i = 0; i < COUNT(constants); i++)
        if (strncmp(constants[i].name, "LINEERR_", 8) == 0)
            assert_true((LONG)constants[i].ours < 0);
}

static void own_message_ids_lie_apart_from_tapis(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(constants); i++)
        if (strncmp(constants[i].name, "LINE_", 5) == 0 || strncmp(constants[i].name, "PHONE_", 6) == 0)
            assert_true(constants[i].ours < CF_LINE_GAP);
    assert_true(CF_LINE_GAP < CF_LINE_RESYNC_BEGIN && CF_LINE_RESYNC_BEGIN < CF_LINE_RESYNC_END);
}

static void every_error_has_its_name_and_a_text_of_its_own_line(void **state)
{
    (void)state;
    size_t errors = 0;
    for (size_t i = 0; i < COUNT(constants); i++) {
        if (strncmp(constants[i].name, "LINEERR_", 8) != 0)
            continue;
        LONG error = (LONG)constants[i].ours;
        assert_string_equal(cf_line_error_name(error), constants[i].name);
        const char *text = cf_line_error_text(error);
        if (strlen(text) < 16 || strchr(text, '\n') != NULL || strcmp(text, cf_line_error_text(INT32_MIN)) == 0)
            fail_msg("%s: \"%s\"", constants[i].name, text);
        errors++;
    }
    assert_int_equal(errors, 95);
}

static void results_that_are_no_error_of_tapi_are_named_too(void **state)
{
    (void)state;
    static const uint32_t unassigned[] = {0x80000000, 0x80000004, 0x80000031, 0x80000062, 0x90000048, 0xFFFFFFFF};
    for (size_t i = 0; i < COUNT(unassigned); i++)
        assert_string_equal(cf_line_error_name((LONG)unassigned[i]), "unknown LINEERR_");
    assert_string_equal(cf_line_error_name(0), "success");
    assert_string_equal(cf_line_error_name(1), "request id");
    assert_string_equal(cf_line_error_name(INT32_MAX), "request id");
    assert_non_null(strstr(cf_line_error_text(7), "LINE_REPLY"));
}

static void every_message_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(constants); i++)
        if (strncmp(constants[i].name, "LINE_", 5) == 0 || strncmp(constants[i].name, "PHONE_", 6) == 0)
            assert_string_equal(cf_message_name(constants[i].ours), constants[i].name);
    assert_string_equal(cf_message_name(CF_LINE_GAP), "CF_LINE_GAP");
    assert_string_equal(cf_message_name(CF_LINE_RESYNC_BEGIN), "CF_LINE_RESYNC_BEGIN");
    assert_string_equal(cf_message_name(CF_LINE_RESYNC_END), "CF_LINE_RESYNC_END");
    assert_string_equal(cf_message_name(35), "?");
    assert_string_equal(cf_message_name(UINT32_MAX), "?");
}

static void every_state_has_its_name_whatever_the_device_adds(void **state)
{
    (void)state;
    static const char prefix[] = "LINECALLSTATE_";
    size_t states = 0;
    for (size_t i = 0; i < COUNT(constants); i++) {
        if (strncmp(constants[i].name, prefix, strlen(prefix)) != 0)
            continue;
        assert_string_equal(cf_call_state_name(constants[i].ours), constants[i].name + strlen(prefix));
        assert_string_equal(cf_call_state_name(constants[i].ours | 0xA5000000U), constants[i].name + strlen(prefix));
        states++;
    }
    assert_int_equal(states, 16);
    assert_string_equal(cf_call_state_name(0), "?");
    assert_string_equal(cf_call_state_name(LINECALLSTATE_IDLE | LINECALLSTATE_CONNECTED), "?");
}

static void every_mode_has_its_name_in_its_state(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        DWORD state;
        size_t modes;
        const char *none;
    } families[] = {
        {"LINEOFFERINGMODE_", LINECALLSTATE_OFFERING, 2, "ACTIVE"},
        {"LINEDIALTONEMODE_", LINECALLSTATE_DIALTONE, 6, ""},
        {"LINEBUSYMODE_", LINECALLSTATE_BUSY, 4, ""},
        {"LINESPECIALINFO_", LINECALLSTATE_SPECIALINFO, 5, ""},
        {"LINECONNECTEDMODE_", LINECALLSTATE_CONNECTED, 5, "ACTIVE"},
        {"LINEDISCONNECTMODE_", LINECALLSTATE_DISCONNECTED, 20, ""},
    };
    for (size_t f = 0; f < COUNT(families); f++) {
        size_t modes = 0;
        for (size_t i = 0; i < COUNT(constants); i++) {
            if (strncmp(constants[i].name, families[f].prefix, strlen(families[f].prefix)) != 0)
                continue;
            assert_string_equal(cf_call_mode_name(families[f].state, constants[i].ours),
                                constants[i].name + strlen(families[f].prefix));
            modes++;
        }
        assert_int_equal(modes, families[f].modes);
        assert_string_equal(cf_call_mode_name(families[f].state, 0), families[f].none);
        assert_string_equal(cf_call_mode_name(families[f].state | 0x01000000U, 0), families[f].none);
        assert_string_equal(cf_call_mode_name(families[f].state, 0x40000000U), "?");
    }
    assert_string_equal(cf_call_mode_name(LINECALLSTATE_IDLE, 1), "");
    assert_string_equal(cf_call_mode_name(LINECALLSTATE_CONFERENCED, 0x1234), "");
}

static void privileges_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(cf_privilege_name(0), "");
    assert_string_equal(cf_privilege_name(LINECALLPRIVILEGE_NONE), "NONE");
    assert_string_equal(cf_privilege_name(LINECALLPRIVILEGE_MONITOR), "MONITOR");
    assert_string_equal(cf_privilege_name(LINECALLPRIVILEGE_OWNER), "OWNER");
    assert_string_equal(cf_privilege_name(LINECALLPRIVILEGE_MONITOR | LINECALLPRIVILEGE_OWNER), "MONITOR|OWNER");
    assert_string_equal(cf_privilege_name(8), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_constant_has_tapis_value),
        cmocka_unit_test(the_header_defines_nothing_that_is_not_compared),
        cmocka_unit_test(every_field_lies_where_tapi_has_it_or_where_the_departures_say),
        cmocka_unit_test(no_structure_has_a_field_that_tapi_has_not),
        cmocka_unit_test(every_structure_has_tapis_size_or_that_of_the_departures),
        cmocka_unit_test(versions_cut_the_structures_where_tapi_cuts_them),
        cmocka_unit_test(handles_and_parameters_have_64_bits_and_results_32),
        cmocka_unit_test(own_message_ids_lie_apart_from_tapis),
        cmocka_unit_test(every_error_has_its_name_and_a_text_of_its_own_line),
        cmocka_unit_test(results_that_are_no_error_of_tapi_are_named_too),
        cmocka_unit_test(every_message_has_its_name),
        cmocka_unit_test(every_state_has_its_name_whatever_the_device_adds),
        cmocka_unit_test(every_mode_has_its_name_in_its_state),
        cmocka_unit_test(privileges_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
