/* Accumulating loops become full axes (docs/decisions/0001, point 7).
 *
 *   %r = for %K, %0, %K, %init {axis=#k} (%acc) {          axis %K, %0, %K {axis=#k}
 *     %a = load %A, %i, %k                          →      %a = load %A, %i, %k
 *     %b = load %B, %k, %j                                 %b = load %B, %k, %j
 *     %s = dot %a, %b, %acc {over=(#k)}                    %r = dot %a, %b, %init {over=(#k)}
 *     yield %s
 *   }
 *
 * A loop over single indices does the same with a new axis: its index becomes an iota, what
 * depends on the index becomes a tile over the axis, and the axis joins `over`. Nests fold from
 * the inside out, so a convolution's r, s, c end in one dot.
 *
 * A loop whose blocks a schedule sets stays a loop, unless it sums a dot, which targets cut into parts themselves.
 *
 * Conditions: each carried value is used by its own accumulation only; an accumulation is a dot
 * with accumulator, add of a dot, or add, min, max of a reduction of that kind (or, for single
 * indices, of any exact operand); the rest of the body is pure, of the loop it uses nothing but
 * its indices (no first, size, block), and what spans the loop is elementwise or loaded,
 * so that nothing needs to be held over the whole axis. Reduction order is free inside dot and
 * reduce, so the meaning stays. But a loop without iterations leaves its initial value, and a sum over nothing makes +0.0 of
 * -0.0: where that can happen, the initial value is chosen instead (last part of this file).
 * Terminates: every step removes a loop. */
#include "dsl/ir/scalar_eval.h"
#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

#include <math.h>

typedef enum form_kind {
    FORM_DOT,     /* u = dot(x, y, acc) */
    FORM_ADD_DOT, /* u = acc + dot(x, y) */
    FORM_REDUCE,  /* u = acc op reduce op (x) */
    FORM_DIRECT   /* u = acc op x, exact in any order; loops over single indices only */
} form_kind;

typedef struct accumulation {
    form_kind kind;
    tg_op *update; /* u */
    tg_op *source; /* the inner dot or reduce, else null */
    tg_value *x;   /* FORM_DIRECT: the operand that is not acc */
    tg_enum fn;    /* FORM_DIRECT */
} accumulation;

/* A sum of floats that loops became part of, which may have no iterations. */
typedef struct folded_sum {
    tg_op *sum;     /* dot, or add of a reduction */
    uint32_t start; /* its operand that is the initial value */
    TG_VEC(tg_axis *) loops;
} folded_sum;

typedef struct folded_sums {
    TG_VEC(folded_sum) list;
} folded_sums;

typedef struct widener {
    tg_func *f;
    folded_sums *folded;
    tg_op *loop;
    tg_axis *axis; /* of the loop; null for single indices until the axis is made */
    bool each;
    accumulation *acc;
    uint32_t n;
    tg_map *spans; /* values that depend on the single index */
} widener;

/* ---- recognition ------------------------------------------------------------------------ */

static bool used_once(const tg_value *v) {
    return v->uses && !v->uses->next;
}

static tg_enum fn_of_opcode(tg_opcode op) {
    static const tg_enum fns[TG_OP_COUNT] = {
        [TG_OP_ADD] = TG_FN_ADD, [TG_OP_MIN] = TG_FN_MIN, [TG_OP_MAX] = TG_FN_MAX,
        [TG_OP_AND] = TG_FN_AND, [TG_OP_OR] = TG_FN_OR,   [TG_OP_XOR] = TG_FN_XOR};
    return fns[op];
}

/* A block loop must be reduced away by the accumulation itself. */
static bool reduces_loop(const widener *w, const tg_op *op) {
    return w->each || tg_op_reduces_over(op, w->axis);
}

static bool is_exact(const tg_value *v, tg_enum fn) {
    tg_dtype t = v->type->dtype;
    return fn == TG_FN_MIN || fn == TG_FN_MAX || tg_dtype_is_int(t) || t == TG_BOOL;
}

static bool find_form(const widener *w, const tg_value *arg, tg_op *u, accumulation *out) {
    *out = (accumulation){.update = u};
    if (u->opcode == TG_OP_DOT) {
        return u->n_operands == 3 && tg_operand(u, 2) == arg && reduces_loop(w, u);
    }
    tg_enum fn = fn_of_opcode(u->opcode);
    if (fn == TG_ENUM_NONE) {
        return false;
    }
    tg_value *x = tg_operand(u, tg_operand(u, 0) == arg ? 1 : 0);
    tg_op *def = x->def;
    bool inside = def && def->parent == u->parent && used_once(x);
    out->x = x;
    out->fn = fn;
    if (inside && def->opcode == TG_OP_DOT && def->n_operands == 2 && fn == TG_FN_ADD &&
        reduces_loop(w, def)) {
        out->kind = FORM_ADD_DOT;
        out->source = def;
        return true;
    }
    if (inside && def->opcode == TG_OP_REDUCE &&
        tg_op_enum(def, TG_ATTR_FN, TG_ENUM_NONE) == fn && reduces_loop(w, def)) {
        out->kind = FORM_REDUCE;
        out->source = def;
        return true;
    }
    out->kind = FORM_DIRECT;
    return w->each && is_exact(x, fn);
}

static bool find_accumulations(widener *w) {
    const tg_block *body = &w->loop->regions[0].body;
    const tg_op *yield = rewrite_terminator(body);
    uint32_t first = tg_region_first_carried(w->loop);
    w->n = w->loop->n_results;
    w->acc = TG_NEW_ARRAY(w->f->arena, accumulation, w->n + 1);
    for (uint32_t i = 0; i < w->n; i++) {
        const tg_value *arg = body->args[first + i], *next = tg_operand(yield, i);
        bool own = used_once(arg) && used_once(next) && next->def &&
                   next->def->parent == body && arg->uses->user == next->def;
        if (!own || !find_form(w, arg, next->def, &w->acc[i])) {
            return false;
        }
    }
    return w->n > 0 && yield;
}

static bool keeps_blocks(const widener *w) {
    bool dot = false;
    for (uint32_t i = 0; i < w->n; i++) {
        dot = dot || w->acc[i].kind == FORM_DOT || w->acc[i].kind == FORM_ADD_DOT;
    }
    return !w->each && w->axis->scheduled && !dot;
}

/* ---- the rest of the body --------------------------------------------------------------- */

static const accumulation *accumulation_of(const widener *w, const tg_op *op) {
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->acc[i].update == op || w->acc[i].source == op) {
            return &w->acc[i];
        }
    }
    return NULL;
}

static bool value_spans(const widener *w, const tg_value *v) {
    return w->each ? tg_map_has(w->spans, v) : tg_type_has_axis(v->type, w->axis);
}

static bool operands_span(const widener *w, const tg_op *op) {
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (value_spans(w, tg_operand(op, i))) {
            return true;
        }
    }
    return false;
}

/* first, size, block, count of the loop's axis, or an axis made like it: these mean one
 * block */
static bool reads_block(const widener *w, const tg_op *op) {
    bool attribute = op->opcode >= TG_OP_AXIS_FIRST && op->opcode <= TG_OP_AXIS_COUNT;
    const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    return w->axis &&
           ((attribute && a == w->axis) || (op->opcode == TG_OP_AXIS && a->like == w->axis));
}

static bool nested_uses_span(const widener *w, const tg_op *op) {
    for (uint32_t r = 0; r < op->n_regions; r++) {
        for (const tg_op *in = op->regions[r].body.first; in; in = in->next) {
            if (operands_span(w, in) || nested_uses_span(w, in)) {
                return true;
            }
        }
    }
    return false;
}

/* Operations that may stay although nothing of theirs spans the loop. */
static bool is_allowed_outside(const widener *w, const tg_op *op) {
    if (op->opcode == TG_OP_MAP || op->opcode == TG_OP_REDUCE_FN ||
        op->opcode == TG_OP_SCAN_FN) {
        return !nested_uses_span(w, op);
    }
    return rewrite_is_pure(op) || op->opcode == TG_OP_LOAD || op->opcode == TG_OP_AXIS;
}

static bool is_streamable(const tg_op *op) {
    return tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_LOAD;
}

static bool check_op(widener *w, const tg_op *op) {
    if (reads_block(w, op)) {
        return false;
    }
    const accumulation *a = accumulation_of(w, op);
    if (a) {
        return true;
    }
    bool spans = operands_span(w, op);
    for (uint32_t i = 0; i < op->n_results && !w->each; i++) {
        spans = spans || value_spans(w, &op->results[i]);
    }
    if (!spans) {
        return is_allowed_outside(w, op);
    }
    if (!is_streamable(op)) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_results && w->each; i++) {
        tg_map_set(w->spans, &op->results[i], w->f);
    }
    return true;
}

/* Every dot and reduction must see the index in at least one operand, else it is a product with
 * the trip count, and a scalar operand (the accumulator) must not depend on it. */
static bool check_accumulation(const widener *w, const accumulation *a) {
    if (!w->each) {
        return true;
    }
    const tg_op *op = a->source ? a->source : a->update;
    if (a->kind == FORM_DIRECT) {
        return value_spans(w, a->x);
    }
    if (a->kind == FORM_REDUCE) {
        return value_spans(w, tg_operand(op, 0));
    }
    return value_spans(w, tg_operand(op, 0)) || value_spans(w, tg_operand(op, 1));
}

static bool in_tile_code(const tg_op *op) {
    const tg_op *p = op->parent->parent->parent;
    for (; p && p->opcode != TG_OP_PAR && p->opcode != TG_OP_PHASE;
         p = p->parent->parent->parent) {
        if (p->opcode != TG_OP_FOR && p->opcode != TG_OP_IF && p->opcode != TG_OP_WHILE) {
            return false;
        }
    }
    return p != NULL;
}

static bool check_loop(widener *w) {
    if (tg_op_int(w->loop, TG_ATTR_STEP, 1) != 1 || !in_tile_code(w->loop) ||
        !find_accumulations(w) || keeps_blocks(w)) {
        return false;
    }
    const tg_block *body = &w->loop->regions[0].body;
    if (w->each) {
        tg_map_set(w->spans, body->args[0], w->f);
    }
    for (const tg_op *op = body->first; op; op = op->next) {
        if (op->opcode != TG_OP_YIELD && !check_op(w, op)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < w->n; i++) {
        if (!check_accumulation(w, &w->acc[i])) {
            return false;
        }
    }
    return true;
}

/* ---- rewriting -------------------------------------------------------------------------- */

/* Extent if the domain is certainly [0, constant), else -1. */
static int64_t constant_extent(const tg_op *loop) {
    int64_t extent, from, until;
    bool known = tg_value_const_int(tg_operand(loop, 0), &extent) &&
                 tg_value_const_int(tg_operand(loop, 1), &from) &&
                 tg_value_const_int(tg_operand(loop, 2), &until);
    return known && from <= 0 && until >= extent && extent >= 0 ? extent : -1;
}

static void bind_axis(widener *w, tg_builder *b) {
    tg_value *arg = w->each ? w->loop->regions[0].body.args[0] : NULL;
    if (w->each) {
        w->axis = tg_func_add_axis(w->f, TG_AXIS_LOCAL, arg->name, w->loop->span);
        w->axis->extent = constant_extent(w->loop);
    }
    w->axis->kind = TG_AXIS_LOCAL;
    w->axis->block = w->axis->scheduled ? w->axis->block : 0;
    tg_value *domain[] = {tg_operand(w->loop, 0), tg_operand(w->loop, 1),
                          tg_operand(w->loop, 2)};
    tg_attr attr = tg_attr_axis(w->f->arena, TG_ATTR_AXIS, w->axis);
    tg_build_op(b, TG_OP_AXIS, domain, 3, NULL, 0, &attr, 1);
    if (arg) {
        tg_replace_uses(arg, tg_build_iota(b, w->axis));
    }
}

static const tg_type *with_axis(const widener *w, const tg_type *t) {
    const tg_type *axis = tg_type_tile(w->f, t->dtype, &w->axis, 1);
    const tg_type *both[] = {t, axis};
    return tg_type_union(w->f, t->dtype, both, 2);
}

/* Results of what depends on the index gain the axis. */
static void widen_types(const widener *w, tg_op *op) {
    bool spans = false;
    for (uint32_t i = 0; i < op->n_operands; i++) {
        spans = spans || tg_type_has_axis(tg_operand(op, i)->type, w->axis);
    }
    for (uint32_t i = 0; i < op->n_results && spans; i++) {
        op->results[i].type = with_axis(w, op->results[i].type);
    }
}

static void broadcast_operand(const widener *w, tg_op *op, uint32_t i) {
    tg_value *v = tg_operand(op, i);
    if (!tg_type_has_axis(v->type, w->axis)) {
        tg_builder b = rewrite_builder(w->f, op);
        tg_set_operand(op, i, tg_build_broadcast(&b, v, with_axis(w, v->type)));
    }
}

static tg_attr over_with_axis(const widener *w, const tg_op *op) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    tg_axis **axes = TG_NEW_ARRAY(w->f->arena, tg_axis *, over->n_axes + 1u);
    for (uint32_t i = 0; i < over->n_axes; i++) {
        axes[i] = over->axes[i];
    }
    axes[over->n_axes] = w->axis;
    return tg_attr_axes(w->f->arena, TG_ATTR_OVER, axes, over->n_axes + 1u);
}

static void reduce_over_axis(const widener *w, tg_op *op) {
    if (!w->each) {
        return; /* `over` names the axis already */
    }
    tg_op_set_attr(w->f, op, over_with_axis(w, op));
    broadcast_operand(w, op, 0);
    if (op->opcode == TG_OP_DOT) {
        broadcast_operand(w, op, 1);
    }
}

/* acc + dot(x, y) → dot(x, y, acc) */
static tg_value *fuse_add(const widener *w, const accumulation *a, tg_value *init) {
    const tg_op *dot = a->source;
    tg_builder b = rewrite_builder(w->f, a->update);
    tg_value *operands[] = {tg_operand(dot, 0), tg_operand(dot, 1), init};
    const tg_type *type = tg_result(a->update, 0)->type;
    tg_op *fused = tg_build_op(&b, TG_OP_DOT, operands, 3, &type, 1, dot->attrs, dot->n_attrs);
    return tg_result(fused, 0);
}

static tg_value *rewrite_accumulation(const widener *w, const accumulation *a, tg_value *arg,
                                      tg_value *init) {
    tg_op *update = a->update;
    tg_value *result = tg_result(update, 0);
    if (a->source) {
        reduce_over_axis(w, a->source);
    }
    if (a->kind == FORM_ADD_DOT) {
        return fuse_add(w, a, init);
    }
    tg_replace_uses(arg, init);
    if (a->kind == FORM_DOT) {
        reduce_over_axis(w, update);
    } else if (a->kind == FORM_DIRECT) {
        tg_builder b = rewrite_builder(w->f, update);
        uint32_t at = tg_operand(update, 0) == init ? 1 : 0; /* a->x may have been the index */
        tg_value *x = tg_operand(update, at);
        tg_set_operand(update, at, tg_build_reduce(&b, a->fn, x, &w->axis, 1));
    }
    return result;
}

/* Notes that the loop became part of the sum `op`, whose operand `start` is the initial value. */
static void note_folded(const widener *w, tg_op *op, uint32_t start) {
    folded_sum *found = NULL;
    for (uint32_t i = 0; i < w->folded->list.len; i++) {
        folded_sum *s = &w->folded->list.data[i];
        found = s->sum == op ? s : found;
    }
    if (!found) {
        tg_vec_push(w->f->arena, &w->folded->list, (folded_sum){.sum = op, .start = start});
        found = &w->folded->list.data[w->folded->list.len - 1];
    }
    tg_vec_push(w->f->arena, &found->loops, w->axis);
}

static void note_if_float(const widener *w, tg_op *op, const tg_value *init) {
    tg_dtype real = tg_dtype_real(tg_result(op, 0)->type->dtype);
    bool sum = op->opcode == TG_OP_DOT || op->opcode == TG_OP_ADD;
    if (sum && tg_dtype_is_float(real) && constant_extent(w->loop) <= 0) {
        note_folded(w, op, op->opcode == TG_OP_DOT ? 2 : tg_operand(op, 0) == init ? 0 : 1);
    }
}

static void widen(widener *w) {
    tg_block *body = &w->loop->regions[0].body;
    tg_op *yield = rewrite_terminator(body);
    tg_builder b = rewrite_builder(w->f, w->loop);
    uint32_t first = tg_region_first_carried(w->loop);
    bind_axis(w, &b);
    for (tg_op *op = body->first, *next; op != yield; op = next) {
        next = op->next;
        tg_op_move_before(op, w->loop);
        if (w->each && !accumulation_of(w, op)) {
            widen_types(w, op);
        }
    }
    for (uint32_t i = 0; i < w->n; i++) {
        tg_value *init = tg_operand(w->loop, TG_FOR_CARRIED + i);
        tg_value *out = rewrite_accumulation(w, &w->acc[i], body->args[first + i], init);
        note_if_float(w, out->def, init);
        if (!out->name) {
            out->name = w->loop->results[i].name;
        }
        tg_replace_uses(&w->loop->results[i], out);
        if (w->acc[i].kind == FORM_ADD_DOT) {
            tg_set_operand(yield, i, out); /* frees acc + dot */
            tg_op_erase(w->acc[i].update);
            tg_op_erase(w->acc[i].source);
        }
    }
    tg_op_erase(w->loop);
}

static bool visit_block(tg_func *f, tg_block *block, folded_sums *folded) {
    bool changed = false;
    for (tg_op *op = block->first, *next; op; op = next) {
        next = op->next;
        for (uint32_t r = 0; r < op->n_regions; r++) {
            changed |= visit_block(f, &op->regions[r].body, folded);
        }
        if (op->opcode != TG_OP_FOR) {
            continue;
        }
        widener w = {.f = f,
                     .folded = folded,
                     .loop = op,
                     .axis = tg_op_axis(op, TG_ATTR_AXIS),
                     .each = tg_op_is_each(op)};
        w.spans = w.each ? tg_map_create(f->arena) : NULL;
        if (check_loop(&w)) {
            widen(&w);
            changed = true;
        }
    }
    return changed;
}

/* ---- sums over nothing ------------------------------------------------------------------ */

/* Is no element -0.0, however the value came about? A sum is that only if all its terms are. */
static bool is_never_minus_zero(const tg_value *v, int depth) {
    const tg_op *op = v->def ? v->def : v->block->parent->parent;
    tg_opcode added;
    tg_scalar s;
    if (tg_value_const_scalar(v, &s)) {
        return !(s.f == 0 && signbit(s.f)) && !(s.g == 0 && signbit(s.g));
    }
    if (!op || depth == 0) {
        return false;
    }
    uint32_t carried = v->index - (v->block ? tg_region_first_carried(op) : 0);
    switch ((int)op->opcode) {
    case TG_OP_BROADCAST:
        return is_never_minus_zero(tg_operand(op, 0), depth - 1);
    case TG_OP_REDUCE:
        return tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE) == TG_FN_ADD;
    case TG_OP_DOT:
        return op->n_operands == 2 || is_never_minus_zero(tg_operand(op, 2), depth - 1);
    case TG_OP_ADD:
        return is_never_minus_zero(tg_operand(op, 0), depth - 1) ||
               is_never_minus_zero(tg_operand(op, 1), depth - 1);
    case TG_OP_FOR:
        return carried < op->n_results && tg_loop_accumulation(op, carried, &added) &&
               added == TG_OP_ADD &&
               is_never_minus_zero(tg_operand(op, TG_FOR_CARRIED + carried), depth - 1);
    default:
        return false;
    }
}

/* Behind the sum, once all loops that can be are part of it: the initial value where one of them has no iterations. */
static void keep_empty(tg_func *f, const folded_sum *s) {
    enum { DEPTH = 6 };
    tg_value *sum = tg_result(s->sum, 0), *init = tg_operand(s->sum, s->start);
    if (is_never_minus_zero(init, DEPTH)) {
        return;
    }
    tg_builder b = {
        .func = f, .block = s->sum->parent, .before = s->sum->next, .span = s->sum->span};
    tg_value *zero = tg_build_int(&b, TG_I64, 0), *any = NULL;
    for (uint32_t i = 0; i < s->loops.len; i++) {
        tg_value *size = tg_build_axis_attr(&b, TG_OP_AXIS_SIZE, s->loops.data[i]);
        tg_value *some = tg_build_cmp(&b, TG_GT, size, zero);
        any = any ? tg_build_binary(&b, TG_OP_AND, any, some) : some;
    }
    tg_value *kept = tg_build_select(&b, any, sum, init);
    tg_replace_uses(sum, kept);
    tg_set_operand(kept->def, 1, sum);
}

bool tg_pass_widen_loops(tg_func *f) {
    folded_sums folded = {0};
    bool changed = visit_block(f, &f->body.body, &folded);
    for (uint32_t i = 0; i < folded.list.len; i++) {
        keep_empty(f, &folded.list.data[i]);
    }
    return changed;
}
