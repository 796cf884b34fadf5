/* docs/LAYOUT.md against the compiler: every field of every shared structure is there, at its offset, and no byte is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callfan/provider.h"
#include "shm/fields.h"
#include "shm/forward.h"
#include "shm/handle_table.h"
#include "shm/hello.h"
#include "shm/journal.h"
#include "shm/port.h"
#include "shm/request.h"

struct entry {
    const char *structure, *field; /* field NULL: the structure itself */
    size_t offset, bytes;
    bool seen;
};

#define S(type) {#type, NULL, 0, sizeof(struct type), false}
#define F(type, member) {#type, #member, offsetof(struct type, member), sizeof(((struct type *)0)->member), false}

static struct entry entries[] = {
    /* clang-format off */
    S(cf_message),
    F(cf_message, commit),
    F(cf_message, sequence),
    F(cf_message, time_ns),
    F(cf_message, device),
    F(cf_message, param1),
    F(cf_message, param2),
    F(cf_message, param3),
    F(cf_message, id),
    F(cf_message, slots),
    F(cf_message, flags),
    F(cf_message, open_line),
    S(cf_slot),
    F(cf_slot, commit),
    F(cf_slot, body),
    S(cf_line_caps),
    F(cf_line_caps, permanent_id),
    F(cf_line_caps, addresses),
    F(cf_line_caps, bearer_modes),
    F(cf_line_caps, media_modes),
    F(cf_line_caps, dev_cap_flags),
    F(cf_line_caps, line_features),
    F(cf_line_caps, calls_max),
    F(cf_line_caps, answer_mode),
    F(cf_line_caps, addr_cap_flags),
    F(cf_line_caps, call_features),
    F(cf_line_caps, call_states),
    F(cf_line_caps, digit_modes),
    F(cf_line_caps, transfer_modes),
    F(cf_line_caps, conference_max),
    F(cf_line_caps, remove_from_conf_caps),
    F(cf_line_caps, remove_from_conf_state),
    F(cf_line_caps, monitor_digit_modes),
    F(cf_line_caps, gather_timeout_min_ms),
    F(cf_line_caps, gather_timeout_max_ms),
    F(cf_line_caps, generate_tone_modes),
    F(cf_line_caps, generate_tone_freqs),
    F(cf_line_caps, monitor_tone_freqs),
    F(cf_line_caps, monitor_tone_entries),
    F(cf_line_caps, more),
    S(cf_feature_caps),
    F(cf_feature_caps, address_features),
    F(cf_feature_caps, park_modes),
    F(cf_feature_caps, forward_modes),
    F(cf_feature_caps, forward_entries_max),
    F(cf_feature_caps, forward_specific_max),
    F(cf_feature_caps, forward_rings_min),
    F(cf_feature_caps, forward_rings_max),
    F(cf_feature_caps, completions_max),
    F(cf_feature_caps, completion_modes),
    F(cf_feature_caps, completion_conditions),
    F(cf_feature_caps, completion_messages),
    F(cf_feature_caps, call_treatments),
    F(cf_feature_caps, reserved),
    S(cf_forward_head),
    F(cf_forward_head, mode),
    F(cf_forward_head, country),
    F(cf_forward_head, caller_bytes),
    F(cf_forward_head, address_bytes),
    S(cf_call_params),
    F(cf_call_params, bearer_mode),
    F(cf_call_params, min_rate),
    F(cf_call_params, max_rate),
    F(cf_call_params, media_mode),
    F(cf_call_params, call_param_flags),
    F(cf_call_params, address_mode),
    F(cf_call_params, address_id),
    F(cf_call_params, no_answer_timeout_s),
    S(cf_port_down),
    F(cf_port_down, header),
    F(cf_port_down, pad0),
    F(cf_port_down, up),
    F(cf_port_down, pad1),
    F(cf_port_down, down),
    F(cf_port_down, pad2),
    F(cf_port_down, reserved),
    S(cf_port_header),
    F(cf_port_header, magic),
    F(cf_port_header, version),
    F(cf_port_header, kind),
    F(cf_port_header, port),
    F(cf_port_header, generation),
    F(cf_port_header, down_slots),
    F(cf_port_header, up_slots),
    F(cf_port_header, reply_slots),
    F(cf_port_header, usage),
    F(cf_port_header, base_generation),
    F(cf_port_header, wake_interval_us),
    F(cf_port_header, utc_offset_ns),
    S(cf_port_core_up),
    F(cf_port_core_up, up_ack),
    F(cf_port_core_up, sleeping),
    F(cf_port_core_up, reserved),
    F(cf_port_core_up, reserved2),
    S(cf_port_core_down),
    F(cf_port_core_down, tail),
    F(cf_port_core_down, sequence),
    F(cf_port_core_down, messages),
    F(cf_port_core_down, missed),
    F(cf_port_core_down, gaps),
    F(cf_port_core_down, behind),
    F(cf_port_core_down, requests),
    F(cf_port_core_down, bad),
    S(cf_port_up),
    F(cf_port_up, down_ack),
    F(cf_port_up, messages_acked),
    F(cf_port_up, cancelled),
    F(cf_port_up, pad0),
    F(cf_port_up, wake_at),
    F(cf_port_up, pad1),
    F(cf_port_up, reply_waiting),
    F(cf_port_up, pad2),
    F(cf_port_up, reserved),
    S(cf_reply_slot),
    F(cf_reply_slot, done),
    F(cf_reply_slot, as_of),
    F(cf_reply_slot, result),
    F(cf_reply_slot, bytes),
    F(cf_reply_slot, data),
    S(cf_reply_devices),
    F(cf_reply_devices, devices),
    F(cf_reply_devices, reserved),
    S(cf_reply_dev_caps),
    F(cf_reply_dev_caps, permanent_id),
    F(cf_reply_dev_caps, addresses),
    F(cf_reply_dev_caps, bearer_modes),
    F(cf_reply_dev_caps, media_modes),
    F(cf_reply_dev_caps, dev_cap_flags),
    F(cf_reply_dev_caps, line_features),
    F(cf_reply_dev_caps, calls_max),
    F(cf_reply_dev_caps, answer_mode),
    F(cf_reply_dev_caps, addr_cap_flags),
    F(cf_reply_dev_caps, call_features),
    F(cf_reply_dev_caps, call_states),
    F(cf_reply_dev_caps, in_service),
    F(cf_reply_dev_caps, name),
    F(cf_reply_dev_caps, provider),
    F(cf_reply_dev_caps, address),
    F(cf_reply_dev_caps, digit_modes),
    F(cf_reply_dev_caps, transfer_modes),
    F(cf_reply_dev_caps, conference_max),
    F(cf_reply_dev_caps, remove_from_conf_caps),
    F(cf_reply_dev_caps, remove_from_conf_state),
    F(cf_reply_dev_caps, monitor_digit_modes),
    F(cf_reply_dev_caps, gather_timeout_min_ms),
    F(cf_reply_dev_caps, gather_timeout_max_ms),
    F(cf_reply_dev_caps, generate_tone_modes),
    F(cf_reply_dev_caps, generate_tone_freqs),
    F(cf_reply_dev_caps, monitor_tone_freqs),
    F(cf_reply_dev_caps, monitor_tone_entries),
    F(cf_reply_dev_caps, more),
    S(cf_reply_line_status),
    F(cf_reply_line_status, opens),
    F(cf_reply_line_status, open_media_modes),
    F(cf_reply_line_status, active_calls),
    F(cf_reply_line_status, on_hold_calls),
    F(cf_reply_line_status, on_hold_pending_calls),
    F(cf_reply_line_status, status_flags),
    F(cf_reply_line_status, apps),
    F(cf_reply_line_status, next),
    S(cf_reply_app),
    F(cf_reply_app, name),
    F(cf_reply_app, media_modes),
    F(cf_reply_app, address),
    S(cf_reply_address_status),
    F(cf_reply_address_status, in_use),
    F(cf_reply_address_status, active_calls),
    F(cf_reply_address_status, on_hold_calls),
    F(cf_reply_address_status, on_hold_pending_calls),
    F(cf_reply_address_status, in_service),
    F(cf_reply_address_status, address_features),
    F(cf_reply_address_status, forward_rings),
    F(cf_reply_address_status, forward_bytes),
    F(cf_reply_address_status, forwards),
    S(cf_reply_app_priority),
    F(cf_reply_app_priority, priority),
    F(cf_reply_app_priority, reserved),
    S(cf_reply_call_status),
    F(cf_reply_call_status, state),
    F(cf_reply_call_status, mode),
    F(cf_reply_call_status, privilege),
    F(cf_reply_call_status, features),
    F(cf_reply_call_status, state_time_ns),
    S(cf_reply_call_info),
    F(cf_reply_call_info, device_id),
    F(cf_reply_call_info, address_id),
    F(cf_reply_call_info, bearer_mode),
    F(cf_reply_call_info, rate),
    F(cf_reply_call_info, media_mode),
    F(cf_reply_call_info, app_specific),
    F(cf_reply_call_info, call_id),
    F(cf_reply_call_info, related_call_id),
    F(cf_reply_call_info, call_param_flags),
    F(cf_reply_call_info, call_states),
    F(cf_reply_call_info, origin),
    F(cf_reply_call_info, reason),
    F(cf_reply_call_info, owners),
    F(cf_reply_call_info, monitors),
    F(cf_reply_call_info, country_code),
    F(cf_reply_call_info, trunk),
    F(cf_reply_call_info, caller_flags),
    F(cf_reply_call_info, called_flags),
    F(cf_reply_call_info, caller),
    F(cf_reply_call_info, called),
    F(cf_reply_call_info, app_name),
    F(cf_reply_call_info, raw_cause),
    F(cf_reply_call_info, connected_flags),
    F(cf_reply_call_info, redirection_flags),
    F(cf_reply_call_info, redirecting_flags),
    F(cf_reply_call_info, monitor_digit_modes),
    F(cf_reply_call_info, monitor_media_modes),
    F(cf_reply_call_info, caller_name),
    F(cf_reply_call_info, called_name),
    F(cf_reply_call_info, connected),
    F(cf_reply_call_info, connected_name),
    F(cf_reply_call_info, redirection),
    F(cf_reply_call_info, redirection_name),
    F(cf_reply_call_info, redirecting),
    F(cf_reply_call_info, redirecting_name),
    F(cf_reply_call_info, call_treatment),
    F(cf_reply_call_info, completion_id),
    F(cf_reply_call_info, text_bytes),
    F(cf_reply_call_info, texts),
    F(cf_reply_call_info, pad),
    S(cf_reply_new_calls),
    F(cf_reply_new_calls, total),
    F(cf_reply_new_calls, entries),
    F(cf_reply_new_calls, cursor),
    S(cf_hello),
    F(cf_hello, magic),
    F(cf_hello, version),
    F(cf_hello, kind),
    F(cf_hello, ring_bytes),
    F(cf_hello, wake_interval_us),
    F(cf_hello, usage),
    F(cf_hello, base_generation),
    F(cf_hello, name),
    F(cf_hello, token),
    F(cf_hello, doctor_flags),
    F(cf_hello, doctor_older_ms),
    F(cf_hello, reserved),
    S(cf_welcome),
    F(cf_welcome, magic),
    F(cf_welcome, result),
    F(cf_welcome, version),
    F(cf_welcome, port),
    F(cf_welcome, generation),
    F(cf_welcome, down_bytes),
    F(cf_welcome, up_bytes),
    F(cf_welcome, text),
    S(cf_handle_head),
    F(cf_handle_head, limit),
    F(cf_handle_head, base_generation),
    F(cf_handle_head, generation_end),
    F(cf_handle_head, used),
    F(cf_handle_head, live),
    F(cf_handle_head, free),
    F(cf_handle_head, retired),
    F(cf_handle_head, lane),
    F(cf_handle_head, first),
    F(cf_handle_head, last),
    S(cf_handle_child),
    F(cf_handle_child, generation),
    F(cf_handle_child, link),
    F(cf_handle_child, parent),
    F(cf_handle_child, state),
    S(cf_journal_log),
    F(cf_journal_log, count),
    F(cf_journal_log, reserved),
    F(cf_journal_log, lines),
    F(cf_journal_log, old),
    /* clang-format on */
};
#define ENTRIES (sizeof entries / sizeof *entries)

static struct entry *find(const char *structure, const char *field)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(entries[i].structure, structure) == 0 &&
            (field == NULL ? entries[i].field == NULL : entries[i].field != NULL && strcmp(entries[i].field, field) == 0))
            return &entries[i];
    fail_msg("the page speaks of %s.%s, which this test does not know", structure, field == NULL ? "" : field);
    return NULL;
}

/* What the page says of the structure that is being read. */
struct reading {
    char structure[64];
    size_t next; /* first byte that no row has covered yet */
};

static void end_structure(struct reading *r)
{
    if (r->structure[0] != '\0')
        assert_int_equal(r->next, find(r->structure, NULL)->bytes);
    r->structure[0] = '\0';
}

static void read_line(struct reading *r, const char *line)
{
    char name[64];
    size_t offset, bytes;
    if (sscanf(line, "### struct %63s (%zu bytes)", name, &bytes) == 2) {
        end_structure(r);
        struct entry *e = find(name, NULL);
        assert_int_equal(bytes, e->bytes);
        e->seen = true;
        *r = (struct reading){.next = 0};
        memcpy(r->structure, name, sizeof name);
    } else if (strncmp(line, "## ", 3) == 0) {
        end_structure(r);
    } else if (r->structure[0] != '\0' && sscanf(line, "| %zu | %zu | %63s |", &offset, &bytes, name) == 3) {
        struct entry *e = find(r->structure, name);
        if (offset != e->offset || bytes != e->bytes || offset != r->next)
            fail_msg("%s.%s: the page says %zu at %zu (after %zu), the compiler %zu at %zu", r->structure, name, bytes, offset,
                     r->next, e->bytes, e->offset);
        e->seen = true;
        r->next = offset + bytes;
    }
}

static void the_page_and_the_compiler_agree(void **state)
{
    (void)state;
    const char *source = getenv("CALLFAN_SOURCE");
    char path[4096], line[4096];
    struct reading r = {.next = 0};
    snprintf(path, sizeof path, "%s/docs/LAYOUT.md", source == NULL ? "." : source);
    FILE *page = fopen(path, "r");
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL)
        read_line(&r, line);
    end_structure(&r);
    fclose(page);
    for (size_t i = 0; i < ENTRIES; i++)
        if (!entries[i].seen)
            fail_msg("%s.%s is not on the page", entries[i].structure, entries[i].field == NULL ? "" : entries[i].field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_and_the_compiler_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
