/* Questions to a few rules. */
#include "core/rights.h"

#include <string.h>

void cf_rights_everything(struct cf_rights *rights, const struct cf_limits *limits) {
    *rights = (struct cf_rights){
        .rules_count = 1, .handles = limits->handles, .open_lines = limits->open_lines, .records = limits->port_records,
        .rules = {{.first = 0, .last = UINT32_MAX, .bits = CF_RIGHT_OWN | CF_RIGHT_MONITOR}},
    };
}

uint64_t cf_rights_provider(const char *name) {
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a: names come from one configuration, nobody chooses them to collide */
    for (size_t i = 0; i < CF_NAME_MAX && name[i] != '\0'; i++)
        h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    return h != 0 ? h : 1;
}

uint32_t cf_rights_of(const struct cf_rights *rights, uint64_t provider, uint32_t line) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < rights->rules_count; i++) {
        const struct cf_rights_rule *rule = &rights->rules[i];
        if ((rule->provider == 0 || rule->provider == provider) && line >= rule->first && line <= rule->last)
            bits |= rule->bits;
    }
    return bits;
}

uint32_t cf_rights_bytes(const struct cf_rights *rights) {
    return (uint32_t)(offsetof(struct cf_rights, rules) + rights->rules_count * sizeof rights->rules[0]);
}

bool cf_rights_check(const struct cf_rights *rights, const struct cf_limits *limits) {
    if (rights->rules_count > CF_RIGHTS_RULES_MAX || rights->name[CF_NAME_MAX - 1] != '\0')
        return false;
    if (rights->handles == 0 || rights->handles > limits->handles || rights->open_lines == 0 ||
        rights->open_lines > limits->open_lines || rights->records == 0 || rights->records > limits->port_records)
        return false;
    for (uint32_t i = 0; i < rights->rules_count; i++) {
        const struct cf_rights_rule *rule = &rights->rules[i];
        if (rule->first > rule->last || rule->bits == 0 || (rule->bits & ~(CF_RIGHT_OWN | CF_RIGHT_MONITOR)) != 0)
            return false;
    }
    return true;
}

bool cf_rights_read(const void *bytes, uint32_t count, const struct cf_limits *limits, struct cf_rights *ret_rights) {
    struct cf_rights rights = {0};
    if (count < offsetof(struct cf_rights, rules) || count > sizeof rights)
        return false;
    memcpy(&rights, bytes, count);
    if (rights.rules_count > CF_RIGHTS_RULES_MAX || cf_rights_bytes(&rights) != count || !cf_rights_check(&rights, limits))
        return false;
    *ret_rights = rights;
    return true;
}
