/* Rules about tiles over block axes: named indexing stays inside the block (E0314); what happens once per block is probably
 * a mistake where it reaches memory or a variable (W0802), since the result depends on the block size: a reduction over
 * a block of a grid axis, an atomic operation that does not span a block axis, `n += 1` in `for (k in K)`, and
 * `acc = acc * 0.5 + sum(x, k)`, which scales once per block. */
#include "dsl/parser/check_form.h"

/* ---- E0314 ------------------------------------------------------------------------------------------------------------ */

static uint32_t block_attribute(tg_check *c, tg_atom_kind kind, const tg_axis *root) {
    tg_atom a = {.kind = kind, .axis = root, .nonneg = true, .deps = tg_vars_new(c)};
    tg_vars_add(a.deps, c->block_var[root->rank]);
    return tg_atom_intern(c, &a);
}

/* first <= e <= first + size - 1, given that the block is not empty */
static bool inside_block(tg_check *c, const tg_axis *root, tg_form e) {
    tg_form first = tg_form_atom(c, block_attribute(c, TG_ATOM_FIRST, root)), lo, hi, gap;
    tg_form size = tg_form_atom(c, block_attribute(c, TG_ATOM_SIZE, root)), not_empty, last;
    if (!tg_form_add(c, size, tg_form_int(c, 1), -1, &not_empty) ||
        !tg_form_add(c, first, not_empty, 1, &last)) {
        return false;
    }
    tg_vec_push(c->arena, &c->facts, not_empty);
    c->by_block = true;
    bool good = tg_form_bound(c, e, NULL, false, &lo) && tg_form_add(c, lo, first, -1, &gap) &&
                tg_form_nonneg(c, gap) && tg_form_bound(c, e, NULL, true, &hi) &&
                tg_form_add(c, last, hi, -1, &gap) && tg_form_nonneg(c, gap);
    c->by_block = false;
    c->facts.len--;
    return good;
}

static bool same_block(const tg_check *c, const tg_axis *root, tg_form e) {
    uint32_t atom;
    return tg_form_single_atom(e, &atom) && c->atoms.data[atom].kind == TG_ATOM_INDEX &&
           tg_check_root(c->atoms.data[atom].axis) == root;
}

void tg_check_block_index(tg_check *c, const tg_op *op) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    uint32_t first = op->opcode == TG_OP_REINDEX_SET ? 2 : 1;
    for (uint32_t i = 0; axes && i < axes->n_axes; i++) {
        const tg_axis *a = axes->axes[i], *root = tg_check_root(a);
        tg_form e = tg_check_form(c, tg_operand(op, first + i));
        if (root->kind == TG_AXIS_LOCAL || same_block(c, root, e) || inside_block(c, root, e)) {
            continue;
        }
        const char *kind = root->kind == TG_AXIS_GRID ? "grid" : "for";
        tg_diag *d = tg_report(c->diags, TG_E0314, op->span,
                               "element of another block of '%s' may be needed", a->name);
        tg_diag_set_label(c->diags, d,
                          "'%s' is bound by `%s`: this instance holds one block of it", a->name,
                          kind);
        tg_diag_add_help(c->diags, d,
                         "read the neighbour from the tensor: X[%s - 1], which gives 0 (or the "
                         "`else` value) outside",
                         a->name);
        tg_diag_add_help(
            c->diags, d,
            "or make '%s' a full axis, `axis %s in …;`, so that every element is here", a->name,
            a->name);
    }
}

/* ---- W0802 ------------------------------------------------------------------------------------------------------------- */

static const tg_axis *reduced_grid_axis(const tg_op *op) {
    tg_attr_key key =
        op->opcode == TG_OP_SCAN || op->opcode == TG_OP_SCAN_FN || op->opcode == TG_OP_SORT
            ? TG_ATTR_AXIS
            : TG_ATTR_OVER;
    const tg_attr *a = tg_op_attr(op, key);
    for (uint32_t i = 0; a && i < a->n_axes; i++) {
        const tg_axis *root = tg_check_root(a->axes[i]);
        if (root->kind == TG_AXIS_GRID && root->extent != 1) {
            return root;
        }
    }
    return NULL;
}

static bool reads_block_number(const tg_value *v, int depth) {
    if (!v->def || depth == 0) {
        return false;
    }
    if (v->def->opcode == TG_OP_AXIS_BLOCK || v->def->opcode == TG_OP_AXIS_FIRST) {
        return true;
    }
    for (uint32_t i = 0; i < v->def->n_operands; i++) {
        if (reads_block_number(tg_operand(v->def, i), depth - 1)) {
            return true;
        }
    }
    return false;
}

/* A store whose place names the block keeps a partial result on purpose. */
static bool keeps_partial(const tg_op *store) {
    for (uint32_t d = 0; d < tg_op_n_indices(store); d++) {
        if (reads_block_number(tg_op_index(store, d), 8)) {
            return true;
        }
    }
    return false;
}

/* A loop of a lifted function runs to the greatest bound of all points; each takes part in its own iterations only. */
static bool is_trip_count(const tg_use *u) {
    const tg_op *op = u->user;
    bool bound = op->opcode == TG_OP_FOR && tg_op_is_each(op);
    for (uint32_t i = 3; bound && i < op->n_operands; i++) {
        bound = tg_operand(op, i) != u->value;
    }
    return bound;
}

static const tg_op *reached_store(tg_check *c, const tg_value *v, tg_map *seen) {
    for (const tg_use *u = v->uses; u; u = u->next) {
        const tg_op *op = u->user, *found = NULL;
        if (op->opcode == TG_OP_STORE && tg_operand(op, 1) == v) {
            found = keeps_partial(op) ? NULL : op;
        }
        const tg_op *carrier = op->opcode == TG_OP_YIELD ? op->parent->parent->parent : op;
        for (uint32_t i = 0; !found && !is_trip_count(u) && carrier && i < carrier->n_results;
             i++) {
            const tg_value *r = tg_result(carrier, i);
            if (carrier != op && tg_operand(op, i) != v) {
                continue; /* a yield hands over this one only */
            }
            bool passes = op->opcode != TG_OP_ATOMIC && op->opcode != TG_OP_CAS;
            if (passes && !tg_map_has(seen, r)) {
                tg_map_set(seen, r, c);
                found = reached_store(c, r, seen);
            }
        }
        if (found) {
            return found;
        }
    }
    return NULL;
}

void tg_check_block_reduction(tg_check *c, const tg_op *op) {
    const tg_axis *a = reduced_grid_axis(op);
    for (uint32_t i = 0; a && i < op->n_results; i++) {
        const tg_op *store = reached_store(c, tg_result(op, i), tg_map_create(c->arena));
        if (!store) {
            continue;
        }
        tg_diag *d = tg_report(c->diags, TG_W0802, op->span,
                               "this combines one block of grid axis '%s' only; the result "
                               "depends on the block size",
                               a->name);
        tg_diag_add_label(c->diags, d, store->span, "stored here");
        tg_diag_add_help(c->diags, d,
                         "take '%s' out of the grid and reduce over all of it: `axis %s in …;` "
                         "or `for (%s in …)`; or add blocks with `atomic`",
                         a->name, a->name, a->name);
        return;
    }
}

/* ---- once per block ---------------------------------------------------------------------------------------------------- */

enum { COUNTED_BLOCK = 1024 };

/* Every backend has to count the same blocks, so they get a size here; a schedule may say another one. */
static void count_blocks(tg_check *c, tg_axis *a) {
    c->func->block_dependent = true;
    a->block = a->block ? a->block : COUNTED_BLOCK;
}

/* `acc = acc * 0.5 + sum(x, k)` */
static void report_change(tg_check *c, const tg_op *op, tg_axis *a) {
    count_blocks(c, a);
    tg_diag *d = tg_report(c->diags, TG_W0802, op->span,
                           "the carried value changes once per block of '%s', not once per "
                           "index; the result depends on the block size",
                           a->name);
    tg_diag_set_label(c->diags, d, "by something that is the same for all blocks");
    tg_diag_add_help(c->diags, d,
                     "do it once behind the loop, or let it depend on `%s.size`, the number of "
                     "indices of the block",
                     a->name);
    tg_diag_add_help(c->diags, d, "or bind single indices: `for (each %s in …)`", a->name);
}

static void report_per_block(tg_check *c, const tg_op *op, tg_axis *a) {
    const char *binder = a->kind == TG_AXIS_GRID ? "grid" : "for";
    count_blocks(c, a);
    tg_diag *d = tg_report(c->diags, TG_W0802, op->span,
                           "this happens once per block of '%s', not once per index; the "
                           "result depends on the block size",
                           a->name);
    tg_diag_set_label(c->diags, d, "'%s' is bound by `%s` and does not occur here", a->name,
                      binder);
    tg_diag_add_help(c->diags, d,
                     "`%s.size` is the number of indices of the block; `sum(…, %s)` combines a "
                     "value over them",
                     a->name, a->name);
    tg_diag_add_help(c->diags, d, "or bind single indices: `%s (each %s in …)`", binder,
                     a->name);
}

/* Does the value depend on which block of the axis this is? */
static bool depends_on_block(tg_check *c, const tg_value *v, const tg_axis *a) {
    tg_vars deps = tg_vars_new(c);
    tg_form_deps(c, tg_check_form(c, v), deps);
    return tg_vars_has(deps, c->block_var[a->rank]) || tg_vars_has(deps, c->index_var[a->rank]);
}

/* Doing it again changes nothing, and nobody looks at the old value. */
static bool is_idempotent(const tg_op *op) {
    tg_enum fn =
        op->opcode == TG_OP_ATOMIC ? tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD) : TG_FN_XCHG;
    bool again = fn == TG_FN_MIN || fn == TG_FN_MAX || fn == TG_FN_AND || fn == TG_FN_OR;
    return again && !tg_result(op, 0)->uses;
}

void tg_check_block_atomic(tg_check *c, const tg_op *op) {
    bool reported = false;
    for (const tg_op *b = op; b; b = b->parent ? b->parent->parent->parent : NULL) {
        bool binder = b->opcode == TG_OP_PAR || b->opcode == TG_OP_FOR;
        tg_axis *a = binder ? tg_op_axis(b, TG_ATTR_AXIS) : NULL;
        bool named = !a || a->extent == 1 || is_idempotent(op);
        for (uint32_t i = 1; i < op->n_operands && !named; i++) {
            named = depends_on_block(c, tg_operand(op, i), a);
        }
        if (!named && !reported) {
            report_per_block(c, op, a);
            reported = true;
        } else if (!named) {
            count_blocks(c, a);
        }
    }
}

/* What a carried value's new value is made of, inside the loop. */
typedef struct slice {
    const tg_value *carried;
    const tg_axis *axis;
    tg_map *seen;
    bool reaches, touches; /* the old value; the axis */
} slice;

static void follow_region(slice *s, const tg_region *r);

static void follow(slice *s, const tg_value *v) {
    if (v->type->kind != TG_TYPE_TILE || tg_map_has(s->seen, v)) {
        return;
    }
    tg_map_set(s->seen, v, s);
    s->reaches = s->reaches || v == s->carried;
    for (uint32_t i = 0; i < v->type->n_axes; i++) {
        s->touches = s->touches || tg_check_root(v->type->axes[i]) == tg_check_root(s->axis);
    }
    const tg_op *op = v->def;
    if (!op) { /* a parameter, or an argument of a region: whatever its operation takes */
        op = v->block->parent ? v->block->parent->parent : NULL;
        s->touches = s->touches || (op && op->opcode == TG_OP_FOR && v != s->carried &&
                                    tg_op_axis(op, TG_ATTR_AXIS) == s->axis);
        if (!op || tg_op_axis(op, TG_ATTR_AXIS) == s->axis) {
            return;
        }
    }
    const tg_axis *attribute = tg_op_axis(op, TG_ATTR_AXIS);
    s->touches =
        s->touches || (attribute && tg_check_root(attribute) == tg_check_root(s->axis));
    for (uint32_t i = 0; i < op->n_operands; i++) {
        follow(s, tg_operand(op, i));
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        follow_region(s, &op->regions[r]);
    }
}

static void follow_region(slice *s, const tg_region *r) {
    const tg_op *end = r->body.last;
    for (uint32_t i = 0; end && i < end->n_operands; i++) {
        follow(s, tg_operand(end, i));
    }
}

static bool repeats_safely(const tg_op *op) {
    return op && (op->opcode == TG_OP_MIN || op->opcode == TG_OP_MAX ||
                  op->opcode == TG_OP_AND || op->opcode == TG_OP_OR);
}

static slice slice_of(tg_check *c, const tg_value *v, const slice *of) {
    slice s = {of->carried, of->axis, tg_map_create(c->arena), false, false};
    follow(&s, v);
    return s;
}

static bool is_number(const tg_value *v, int64_t n) {
    while (v->def && (v->def->opcode == TG_OP_BROADCAST || v->def->opcode == TG_OP_CAST)) {
        v = tg_operand(v->def, 0);
    }
    int64_t i;
    double x;
    return (tg_value_const_int(v, &i) && i == n) ||
           (tg_value_const_float(v, &x) && x == (double)n);
}

static const tg_op *beside(tg_check *c, const tg_value *v, const slice *of, int depth);

/* A factor of the old value, or an addend: at fault if it is the same for all blocks, for it then counts them. */
static bool is_per_block(tg_check *c, const tg_value *v, const slice *of, int64_t neutral) {
    slice s = slice_of(c, v, of);
    return !s.reaches && !s.touches && !is_number(v, neutral);
}

/* x op y, where one or both are made of the old value: what is applied to it beside the accumulation. */
static const tg_op *beside_pair(tg_check *c, const tg_op *op, uint32_t x, uint32_t y,
                                const slice *of, int64_t neutral, int depth) {
    const tg_value *v[] = {tg_operand(op, x), tg_operand(op, y)};
    for (int i = 0; i < 2; i++) {
        slice here = slice_of(c, v[i], of);
        if (!here.reaches) {
            continue;
        }
        if (is_per_block(c, v[1 - i], of, neutral)) {
            return op;
        }
        const tg_op *found = beside(c, v[i], of, depth - 1);
        if (found) {
            return found;
        }
    }
    return NULL;
}

/* The operation on the way from the old value to `v` that has nothing to do with the axis, so that it happens once per block:
 * `acc * 0.5` in `acc = acc * 0.5 + sum(x, k)`. Minima, maxima and choices repeat safely. Null if there is none, or none that
 * is known. */
static const tg_op *beside(tg_check *c, const tg_value *v, const slice *of, int depth) {
    const tg_op *op = v->def;
    if (v == of->carried || !op || depth == 0) {
        return NULL;
    }
    switch ((int)op->opcode) {
    case TG_OP_ADD:
    case TG_OP_SUB:
    case TG_OP_XOR:
        return beside_pair(c, op, 0, 1, of, 0, depth);
    case TG_OP_MUL:
    case TG_OP_DIV:
        return beside_pair(c, op, 0, 1, of, 1, depth);
    case TG_OP_FMA: { /* a·b + c */
        if (!slice_of(c, tg_operand(op, 2), of).reaches) {
            return beside_pair(c, op, 0, 1, of, 1, depth);
        }
        bool counts = is_per_block(c, tg_operand(op, 0), of, 0) &&
                      is_per_block(c, tg_operand(op, 1), of, 0);
        return counts ? op : beside(c, tg_operand(op, 2), of, depth - 1);
    }
    case TG_OP_BROADCAST:
    case TG_OP_CAST:
        return beside(c, tg_operand(op, 0), of, depth - 1);
    default:
        return NULL;
    }
}

/* `for (k in K) n += 1` counts blocks: the new value is made of the old one, and of nothing that knows k. */
void tg_check_block_carried(tg_check *c, const tg_op *loop) {
    tg_axis *a = tg_op_axis(loop, TG_ATTR_AXIS);
    const tg_op *yield = loop->regions[0].body.last;
    if (!a || a->extent == 1) {
        return;
    }
    for (uint32_t i = 0; i < yield->n_operands; i++) {
        const tg_value *next = tg_operand(yield, i);
        slice s = {loop->regions[0].body.args[tg_region_first_carried(loop) + i], a,
                   tg_map_create(c->arena), false, false};
        follow(&s, next);
        bool counts = s.reaches && !s.touches && next != s.carried && next->def &&
                      !repeats_safely(next->def);
        const tg_op *scales = s.reaches && s.touches ? beside(c, next, &s, 12) : NULL;
        if (counts) {
            report_per_block(c, next->def, a);
            return;
        }
        if (scales) {
            report_change(c, scales, a);
            return;
        }
    }
}
