/* print and assert. Text goes to the host's callback; tiles print as a list of index and value, at most 64 of them. */
#include "base/io.h"
#include "dsl/interp/internal.h"

#include <math.h>

enum { MAX_POINTS = 64 };

static void put_value(tg_strbuf *out, const tile *t, int64_t at, const char *spec) {
    int digits = -1;
    if (spec[0] == ':' && spec[1] == '.') {
        digits = 0;
        for (spec += 2; *spec >= '0' && *spec <= '9'; spec++) {
            digits = digits * 10 + (*spec - '0');
        }
        digits = digits > 40 ? 40 : digits;
    }
    if (t->dtype == TG_BOOL) {
        tg_strbuf_puts(out, t->i[at] ? "true" : "false");
    } else if (t->dtype == TG_U64) {
        tg_strbuf_printf(out, "%llu", (unsigned long long)t->i[at]);
    } else if (t->i) {
        tg_strbuf_printf(out, "%lld", (long long)t->i[at]);
    } else if (digits >= 0) {
        tg_strbuf_printf(out, "%.*f", digits, t->f[at]);
    } else {
        tg_strbuf_printf(out, "%g", t->f[at]);
    }
    if (t->g) {
        tg_strbuf_printf(out, "%+gi", t->g[at]);
    }
}

static void put_index(const interp *c, tg_strbuf *out, const shape *s, int64_t at) {
    tg_strbuf_putc(out, '[');
    for (int k = 0; k < s->n; k++) {
        int64_t index = at / shape_stride(s, k) % s->size[k] + c->axis[s->axis[k]->rank].first;
        tg_strbuf_printf(out, "%s%lld", k ? ", " : "", (long long)index);
    }
    tg_strbuf_putc(out, ']');
}

static void put_tile(const interp *c, tg_strbuf *out, const tg_value *v, const char *spec) {
    const tile *t = c->slot[v->id];
    shape s = shape_of_type(c, v->type);
    if (!s.n) {
        put_value(out, t, 0, spec);
        return;
    }
    int64_t n = t->n < MAX_POINTS ? t->n : MAX_POINTS;
    tg_strbuf_putc(out, '{');
    for (int64_t k = 0; k < n; k++) {
        tg_strbuf_puts(out, k ? ", " : "");
        put_index(c, out, &s, k);
        tg_strbuf_puts(out, ": ");
        put_value(out, t, k, spec);
    }
    tg_strbuf_puts(out, t->n > n ? ", ...}" : "}");
}

/* `{}` and `{:.3f}` take the next operand; `{{` and `}}` are braces. */
static void put_format(const interp *c, tg_strbuf *out, const char *format, const tg_op *op,
                       uint32_t next) {
    for (const char *p = format; *p; p++) {
        bool doubled = (*p == '{' || *p == '}') && p[1] == *p;
        const char *end = *p == '{' && !doubled ? strchr(p, '}') : NULL;
        if (doubled) {
            tg_strbuf_putc(out, *p++);
        } else if (end && next < op->n_operands) {
            put_tile(c, out, tg_operand(op, next++), p + 1);
            p = end;
        } else {
            tg_strbuf_putc(out, *p);
        }
    }
}

static tg_arena *text_arena(interp *c, tg_strbuf *out) {
    tg_arena *arena = tg_arena_create(c->pool.allocator, NULL);
    if (!arena) {
        tg_unwind_to(&c->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    tg_strbuf_init(out, arena);
    return arena;
}

void exec_print(interp *c, const tg_op *op) {
    const char *format = tg_op_str(op, TG_ATTR_FORMAT);
    if (!c->o->print || !format || c->in_lift) {
        return;
    }
    tg_unwind inner;
    tg_strbuf out;
    tg_arena *arena = text_arena(c, &out);
    tg_arena_set_unwind(arena, &inner);
    if (TG_PROTECT(&inner)) {
        tg_arena_destroy(arena);
        tg_unwind_to(&c->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    put_format(c, &out, format, op, 0);
    tg_strbuf_putc(&out, '\n');
    c->o->print(c->o->print_user, out.data, out.len);
    tg_arena_destroy(arena);
}

static void fail_assert(interp *c, const tg_op *op, int64_t at) {
    const char *text =
        tg_op_str(op, op->opcode == TG_OP_ASSUME ? TG_ATTR_FACT : TG_ATTR_FORMAT);
    const char *code = op->opcode == TG_OP_ASSUME ? "L0904" : "L0908";
    shape s = shape_of_type(c, tg_operand(op, 0)->type);
    char index[200] = "";
    size_t used = 0;
    for (int k = 0; k < s.n && used < sizeof index; k++) {
        int64_t value = at / shape_stride(&s, k) % s.size[k] + c->axis[s.axis[k]->rank].first;
        used += tg_format(index + used, sizeof index - used, "%s%s = %lld", k ? ", " : " at ",
                          s.axis[k]->name ? s.axis[k]->name : "axis", (long long)value);
    }
    interp_fail(c, TG_ERROR_LAUNCH, "%s: %s is false%s", code, text ? text : "assertion",
                index);
}

void exec_assert(interp *c, const tg_op *op) {
    const tile *test = operand(c, op, 0);
    if (!c->check && !(c->f->checked && op->opcode == TG_OP_ASSERT)) {
        return;
    }
    for (int64_t k = 0; k < test->n; k++) {
        if (!test->i[k] && !(test->q && test->q[k])) {
            fail_assert(c, op, k);
        }
    }
}
