/* The door's records: ports that come and go. The door is a thread of this process, so a wrong record is our own defect. */
#include "core/internal.h"

static void tell_attached(struct cf_engine *e, uint32_t port, int32_t result, uint32_t generation) {
    cf_output_begin(e, CF_DOOR_ATTACHED, 0, port, (uint32_t)result, generation);
    bool told = cf_output_command(e, 0, 0);
    assert(told); /* the door never has more than half the ring's worth of questions open */
    (void)told;
}

static void attach_port(struct cf_engine *e, uint32_t port, uint32_t kind, uint32_t generation) {
    struct cf_field name = {0};
    cf_fields_find(&e->in, CF_FIELD_NAME, &name);
    struct cf_field granted;
    struct cf_rights rights;
    cf_rights_everything(&rights, &e->limits);
    bool fits = kind == CF_PORT_PROVIDER ? cf_port_is_provider(e, port) : port > e->limits.providers && port < e->ports_count;
    int32_t result = 0;
    if (!fits || (kind != CF_PORT_PROVIDER && kind != CF_PORT_APPLICATION) || e->view[port].down == NULL)
        result = -22; /* EINVAL */
    else if (cf_fields_find(&e->in, CF_FIELD_RIGHTS, &granted) &&
             !cf_rights_read(granted.data, granted.bytes, &e->limits, &rights))
        result = -22;
    else if (e->ports[port].state != CF_PORT_NONE)
        result = -16; /* EBUSY */
    else
        cf_port_format_state(e, port, (uint8_t)kind, generation, (const char *)name.data, name.bytes,
                             kind == CF_PORT_APPLICATION ? &rights : NULL);
    tell_attached(e, port, result, generation);
}

static void port_gone(struct cf_engine *e, uint32_t port, uint32_t generation) {
    struct cf_port *p = &e->ports[port];
    if (p->state != CF_PORT_LIVE || p->generation != generation)
        return;
    cf_touch_one(e, p);
    p->state = CF_PORT_DRAINING; /* what it had committed is taken first; a child that still writes is not waited for */
    cf_outlet_shut(e, port);
    cf_touch_one(e, &p->drain_left);
    p->drain_left = p->up_mask + 1;
    cf_port_busy(e, port);
}

void cf_door_take(struct cf_engine *e) {
    const struct cf_message *m = &e->in.m;
    uint32_t port = (uint32_t)m->param1;
    assert(m->param1 < CF_PORTS_MAX && port < e->ports_count && port != 0);
    if (m->id == CF_DOOR_ATTACH) {
        attach_port(e, port, (uint32_t)m->param2, (uint32_t)m->param3);
        return;
    }
    assert(m->id == CF_DOOR_GONE);
    port_gone(e, port, (uint32_t)m->param3);
}

/* A death must not be missed, whatever befell the engine while it had the record in hand; who arrives is told to go. */
void cf_door_set_aside(struct cf_engine *e) {
    const struct cf_message *m = &e->in.m;
    if (m->param1 == 0 || m->param1 >= e->ports_count)
        return; /* that is what crashed */
    if (m->id == CF_DOOR_GONE)
        port_gone(e, (uint32_t)m->param1, (uint32_t)m->param3);
    else
        tell_attached(e, (uint32_t)m->param1, -5 /* EIO */, (uint32_t)m->param3);
}
