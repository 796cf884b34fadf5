/* Fuzz entry of what a modem says: every line lies within the parser, every field within its line, whatever the bytes are. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "adapters/modem/at.h"
#include "adapters/modem/cause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct cf_at_parser *parser, const struct cf_at_line *line)
{
    struct cf_at_fields fields;
    char text[8];
    assert(line->text == parser->text && line->len <= CF_AT_LINE_MAX);
    assert(line->rest >= line->text && line->rest + line->rest_len <= parser->text + CF_AT_LINE_MAX);
    assert(line->kind != CF_AT_RESULT || line->result < CF_AT_RESULTS_COUNT);
    assert(line->kind != CF_AT_URC || line->urc < CF_AT_URCS_COUNT);
    assert((line->kind != CF_AT_GARBAGE && line->kind != CF_AT_LONG) || line->len == 0);
    for (uint32_t i = 0; i < line->len; i++)
        assert((uint8_t)line->text[i] >= ' ' && line->text[i] != 0x7f);
    cf_at_split(line->rest, line->rest_len, &fields);
    assert(fields.count <= CF_AT_FIELDS_MAX);
    for (uint32_t i = 0; i < fields.count; i++) {
        assert(fields.field[i].text >= line->rest &&
               fields.field[i].text + fields.field[i].len <= line->rest + line->rest_len);
        assert(cf_at_number(&fields, i) >= -1);
        cf_at_string(&fields, i, text, sizeof(text));
        assert(strlen(text) < sizeof(text));
    }
    assert(cf_modem_cause_of_report(line->rest, line->rest_len) < 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_at_parser parser;
    struct cf_at_line line;
    for (int numeric = 0; numeric < 2; numeric++) {
        cf_at_init(&parser);
        parser.numeric = numeric != 0;
        for (size_t i = 0; i < size; i++)
            if (cf_at_push(&parser, data[i], &line))
                look_at(&parser, &line);
        assert(parser.len <= CF_AT_LINE_MAX);
    }
    return 0;
}
