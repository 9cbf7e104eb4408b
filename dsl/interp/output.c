/* print and assert. Text goes to the host's callback. */
#include "base/abi.h"
#include "base/io.h"
#include "dsl/interp/internal.h"

#include <string.h>

static int print_kind(const tile *t) {
    return t->g                                         ? TG_PRINT_COMPLEX
           : !t->i                                      ? TG_PRINT_FLOAT
           : t->dtype == TG_BOOL                        ? TG_PRINT_BOOL
           : tg_dtype_kind_of(t->dtype) == TG_KIND_UINT ? TG_PRINT_UNSIGNED
                                                        : TG_PRINT_SIGNED;
}

static void get_cells(const tile *t, int64_t at, int64_t cells[2]) {
    if (t->i) {
        cells[0] = t->i[at];
        return;
    }
    memcpy(&cells[0], &t->f[at], sizeof(double));
    if (t->g) {
        memcpy(&cells[1], &t->g[at], sizeof(double));
    }
}

/* One operand by the field `spec`, "{…}". */
static void put_field(tg_strbuf *out, const char *spec, const void *cells, int kind) {
    uint8_t code = (uint8_t)kind;
    size_t n = tg_format_print(NULL, 0, spec, cells, &code, 1);
    char *text = tg_arena_alloc(out->arena, n + 1, 1);
    (void)tg_format_print(text, n + 1, spec, cells, &code, 1);
    tg_strbuf_puts(out, text);
}

static void put_value(tg_strbuf *out, const tile *t, int64_t at, const char *spec) {
    int64_t cells[2];
    get_cells(t, at, cells);
    put_field(out, spec, cells, print_kind(t));
}

static void put_tile(const interp *c, tg_strbuf *out, const tg_value *v, const char *spec) {
    const tile *t = c->slot[v->id];
    shape s = shape_of_type(c, v->type);
    if (!s.n) {
        put_value(out, t, 0, spec);
        return;
    }
    tg_print_tile shown = {.rank = s.n}, *p = &shown;
    for (int k = 0; k < s.n; k++) {
        shown.first[k] = c->axis[s.axis[k]->rank].first;
        shown.size[k] = s.size[k];
    }
    for (int64_t k = 0; k < t->n && k < TG_PRINT_POINTS; k++) {
        get_cells(t, k, shown.values[k]);
    }
    put_field(out, spec, &p, print_kind(t) | TG_PRINT_TILE);
}

/* Place in a tile of the point `at` of `points`; axes of its own are at their first index. */
static int64_t place_of(const shape *t, const shape *points, int64_t at) {
    int64_t place = 0;
    for (int k = 0; k < t->n; k++) {
        for (int m = 0; m < points->n; m++) {
            if (points->axis[m] == t->axis[k]) {
                place += at / shape_stride(points, m) % points->size[m] * shape_stride(t, k);
            }
        }
    }
    return place;
}

/* Where an assertion failed; `print` has none. */
typedef struct point {
    shape points;
    int64_t at;
} point;

static void put_operand(const interp *c, tg_strbuf *out, const tg_value *v, const char *spec,
                        const point *p) {
    const tile *t = c->slot[v->id];
    shape s = shape_of_type(c, v->type);
    if (!p) {
        put_tile(c, out, v, spec);
    } else if (t->n) {
        put_value(out, t, place_of(&s, &p->points, p->at), spec);
    }
}

/* `{}` and `{:.3f}` take the next operand; `{{` and `}}` are braces. */
static void put_format(const interp *c, tg_strbuf *out, const char *format, const tg_op *op,
                       uint32_t next, const point *at) {
    for (const char *p = format; *p; p++) {
        bool doubled = (*p == '{' || *p == '}') && p[1] == *p;
        const char *end = *p == '{' && !doubled ? strchr(p, '}') : NULL;
        char field[32];
        if (doubled) {
            tg_strbuf_putc(out, *p++);
        } else if (end && next < op->n_operands) {
            (void)tg_format(field, sizeof field, "%.*s", (int)(end - p + 1), p);
            put_operand(c, out, tg_operand(op, next++), field, at);
            p = end;
        } else {
            tg_strbuf_putc(out, *p);
        }
    }
}

/* The text and `end` in an arena of its own, which the caller destroys. */
static tg_arena *make_text(interp *c, const char *format, const tg_op *op, uint32_t first,
                           const point *at, const char *end, tg_strbuf *out) {
    tg_unwind inner;
    tg_arena *arena = tg_arena_create(c->pool.allocator, &inner);
    if (!arena || TG_PROTECT(&inner)) {
        tg_arena_destroy(arena);
        tg_unwind_to(&c->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    tg_strbuf_init(out, arena);
    put_format(c, out, format, op, first, at);
    tg_strbuf_puts(out, end);
    tg_arena_set_unwind(arena, &c->unwind);
    return arena;
}

void exec_print(interp *c, const tg_op *op) {
    const char *format = tg_op_str(op, TG_ATTR_FORMAT);
    if (!c->o->print || !format || c->in_lift) {
        return;
    }
    tg_strbuf out;
    tg_arena *arena = make_text(c, format, op, 0, NULL, "\n", &out);
    c->o->print(c->o->print_user, out.data, out.len);
    tg_arena_destroy(arena);
}

static void fail_assume(interp *c, const tg_op *op) {
    const char *text = tg_op_str(op, TG_ATTR_FACT);
    interp_fail(c, TG_ERROR_LAUNCH, "L0904: %s is false", text ? text : "a condition");
}

static void fail_assert(interp *c, const tg_op *op, int64_t at) {
    const char *format = tg_op_str(op, TG_ATTR_FORMAT);
    point p = {shape_of_type(c, tg_operand(op, 0)->type), at};
    char message[500];
    tg_strbuf out;
    tg_arena *arena =
        make_text(c, format ? format : "an assertion is false", op, 1, &p, "", &out);
    (void)tg_format(message, sizeof message, "%s", out.data);
    tg_arena_destroy(arena);
    interp_fail(c, TG_ERROR_LAUNCH, "L0908: %s", message);
}

void exec_assert(interp *c, const tg_op *op) {
    const tile *test = operand(c, op, 0);
    if (!c->check && !(c->f->checked && op->opcode == TG_OP_ASSERT)) {
        return;
    }
    for (int64_t k = 0; k < test->n; k++) {
        if (!test->i[k] && !(test->q && test->q[k])) {
            if (op->opcode == TG_OP_ASSUME) {
                fail_assume(c, op);
            }
            fail_assert(c, op, k);
        }
    }
}
