/* Verification. Each operation is checked in this order: links and uses, operands visible,
 * attributes and operand kinds from the strings of ops.def, result rule, then the special rule
 * of verify_rules.c, then its regions.
 *
 * Sets of axes are compared without making types, because a verifier must not change the
 * function. */
#include "dsl/ir/verify_internal.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_DEPTH = 200 };

bool verify_fail(verifier *v, const tg_op *op, const char *fmt, ...) {
    if (v->error) {
        return false;
    }
    va_list args;
    va_start(args, fmt);
    const char *message = tg_arena_vprintf(v->arena, fmt, args);
    va_end(args);
    if (!op) {
        v->error = message;
        return false;
    }
    const char *name = op->n_results && op->results[0].name ? op->results[0].name : "";
    v->error = tg_arena_printf(v->arena, "%s (operation %u%s%s): %s",
                               tg_op_info_of(op->opcode)->mnemonic, op->id, *name ? ", %" : "",
                               name, message);
    return false;
}

/* ---- links, uses, visibility ------------------------------------------------------------ */

static bool check_use(verifier *v, const tg_op *op, uint32_t i) {
    const tg_use *use = &op->operands[i];
    const tg_value *value = use->value;
    if (!value) {
        return verify_fail(v, op, "operand %u is missing", i);
    }
    if (use->user != op || !use->link || *use->link != use) {
        return verify_fail(v, op, "operand %u is not linked into the uses of its value", i);
    }
    if (value->id >= v->f->next_value_id || !v->defined[value->id]) {
        return verify_fail(v, op, "operand %u is used outside the scope of its definition", i);
    }
    if (!value->type) {
        return verify_fail(v, op, "operand %u has no type", i);
    }
    return true;
}

static bool check_links(verifier *v, const tg_op *op, const tg_block *block) {
    if (op->erased) {
        return verify_fail(v, op, "is erased but still in a block");
    }
    if (op->parent != block || (op->prev ? op->prev->next : block->first) != op ||
        (op->next ? op->next->prev : block->last) != op) {
        return verify_fail(v, op, "is not linked correctly into its block");
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (!check_use(v, op, i)) {
            return false;
        }
    }
    if (op->n_regions != tg_op_info_of(op->opcode)->n_regions) {
        return verify_fail(v, op, "has %u regions instead of %u", op->n_regions,
                           tg_op_info_of(op->opcode)->n_regions);
    }
    return true;
}

static bool check_value_uses(verifier *v, const tg_op *op, const tg_value *value) {
    for (const tg_use *use = value->uses; use; use = use->next) {
        if (use->value != value || !use->user || use->user->erased) {
            return verify_fail(v, op, "the use list of a value holds a stale entry");
        }
    }
    return true;
}

static bool check_type(verifier *v, const tg_op *op, const tg_type *t) {
    if (!t || t->dtype == TG_DTYPE_NONE) {
        return verify_fail(v, op, "a value has no type");
    }
    if (v->level == LEVEL_POINT && t->n_axes) {
        return verify_fail(v, op, "only scalars exist inside a region applied point by point");
    }
    for (uint32_t i = 0; i < t->n_axes; i++) {
        const tg_axis *a = t->axes[i];
        if (a->rank >= v->f->axes.len || v->f->axes.data[a->rank] != a) {
            return verify_fail(v, op, "a type names an axis of another function");
        }
        if (!v->in_scope[a->rank]) {
            return verify_fail(v, op,
                               "axis #%s is not in scope where a value over it is defined",
                               a->name ? a->name : "?");
        }
        if (i && t->axes[i - 1]->rank >= a->rank) {
            return verify_fail(v, op, "the axes of a type are not sorted");
        }
    }
    return true;
}

static bool define_value(verifier *v, const tg_op *op, const tg_value *value) {
    if (value->id >= v->f->next_value_id || v->defined[value->id]) {
        return verify_fail(v, op, "value id %u is used twice or out of range", value->id);
    }
    v->defined[value->id] = 1;
    return check_type(v, op, value->type) && check_value_uses(v, op, value);
}

/* ---- attributes ------------------------------------------------------------------------- */

static bool attr_kind_matches(const char *kind, size_t n, const tg_attr *a) {
    static const char *const names[] = {"int", "num", "flag", "axis", "axes", "str", "enum"};
    if (a->kind == TG_AK_INT && n == 3 && strncmp(kind, "num", 3) == 0) {
        return true;
    }
    return strlen(names[a->kind]) == n && strncmp(kind, names[a->kind], n) == 0;
}

static bool enum_fits_key(const tg_attr *a) {
    int64_t low = TG_FN_ADD, high = TG_FN_XCHG;
    if (a->key == TG_ATTR_PRED) {
        low = TG_EQ, high = TG_GE;
    } else if (a->key == TG_ATTR_PRECISION) {
        low = TG_IEEE, high = TG_TF32X3;
    } else if (a->key == TG_ATTR_ORDER) {
        low = TG_RELAXED, high = TG_ACQ_REL;
    } else if (a->key == TG_ATTR_SCOPE) {
        low = TG_DEVICE, high = TG_SYSTEM;
    } else if (a->key == TG_ATTR_PART) {
        low = TG_PART_RE, high = TG_PART_IM;
    }
    return a->i >= low && a->i <= high;
}

static bool check_attr_value(verifier *v, const tg_op *op, const tg_attr *a) {
    const char *key = tg_attr_key_name(a->key);
    if (a->kind == TG_AK_ENUM && !enum_fits_key(a)) {
        return verify_fail(v, op, "attribute %s has a value that is not one of its enumerators",
                           key);
    }
    if ((a->kind == TG_AK_AXIS && a->n_axes != 1) || (a->kind == TG_AK_STR && !a->str)) {
        return verify_fail(v, op, "attribute %s is empty", key);
    }
    for (uint32_t i = 0; i < a->n_axes; i++) {
        const tg_axis *axis = a->axes[i];
        if (!axis || axis->rank >= v->f->axes.len || v->f->axes.data[axis->rank] != axis) {
            return verify_fail(v, op, "attribute %s names an axis of another function", key);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (a->axes[j] == axis) {
                return verify_fail(v, op, "attribute %s names an axis twice", key);
            }
        }
    }
    return true;
}

/* Walks the row "fn:enum! over:axes!" of ops.def; every attribute must be in it, every `!`
 * must be there. */
static bool check_attrs(verifier *v, const tg_op *op) {
    uint32_t found = 0;
    for (const char *s = tg_op_info_of(op->opcode)->attrs; *s;) {
        size_t key_len = strcspn(s, ":");
        const char *kind = s + key_len + 1;
        size_t kind_len = strcspn(kind, "! ");
        bool required = kind[kind_len] == '!';
        const tg_attr *a = NULL;
        for (uint32_t i = 0; i < op->n_attrs && !a; i++) {
            const char *name = tg_attr_key_name(op->attrs[i].key);
            a = strlen(name) == key_len && strncmp(name, s, key_len) == 0 ? &op->attrs[i]
                                                                          : NULL;
        }
        if (!a && required) {
            return verify_fail(v, op, "attribute %.*s is missing", (int)key_len, s);
        }
        if (a && !attr_kind_matches(kind, kind_len, a)) {
            return verify_fail(v, op, "attribute %.*s is not of kind %.*s", (int)key_len, s,
                               (int)kind_len, kind);
        }
        if (a && !check_attr_value(v, op, a)) {
            return false;
        }
        found += a != NULL;
        s = kind + kind_len;
        s += strspn(s, "! ");
    }
    /* `imag` belongs to const of complex type, which the num kind of `value` implies */
    bool imag = op->opcode == TG_OP_CONST && tg_op_attr(op, TG_ATTR_IMAG);
    if (found + imag != op->n_attrs) {
        return verify_fail(v, op,
                           "has an attribute that is not in its row of ops.def, or one twice");
    }
    return true;
}

/* ---- operands --------------------------------------------------------------------------- */

static bool letter_matches(char letter, const tg_type *t, tg_dtype first) {
    bool tile = t->kind == TG_TYPE_TILE, scalar = tg_type_is_scalar(t);
    tg_dtype_kind kind = tg_dtype_kind_of(t->dtype);
    switch (letter) {
    case 'n':
        return tile;
    case 'f':
        return tile && kind == TG_KIND_FLOAT && !tg_dtype_is_storage(t->dtype);
    case 'i':
        return tile && (kind == TG_KIND_SINT || kind == TG_KIND_UINT) &&
               !tg_dtype_is_storage(t->dtype);
    case 'b':
        return tile && kind == TG_KIND_BOOL;
    case 'c':
        return tile && (kind == TG_KIND_COMPLEX || kind == TG_KIND_FLOAT);
    case 'I':
        return scalar && t->dtype == TG_I64;
    case 's':
        return scalar;
    case 'x':
        return t->kind == TG_TYPE_TENSOR;
    case '=':
        return tile && t->dtype == first;
    default:
        return false;
    }
}

static const char *letter_meaning(char letter) {
    switch (letter) {
    case 'n':
        return "a tile";
    case 'f':
        return "a float tile";
    case 'i':
        return "an integer tile";
    case 'b':
        return "a bool tile";
    case 'c':
        return "a complex or float tile";
    case 'I':
        return "an i64 scalar";
    case 's':
        return "a scalar";
    case 'x':
        return "a tensor";
    default:
        return "of the dtype of the first tile operand";
    }
}

typedef struct signature_counts {
    uint32_t fixed, optional, stars;
} signature_counts;

static signature_counts count_letters(const char *s) {
    signature_counts c = {0};
    for (; *s; s++) {
        if (*s == '*') {
            c.stars++, c.fixed--;
        } else if (*s == '?') {
            c.optional++, c.fixed--;
        } else if (*s != ',') {
            c.fixed++;
        }
    }
    return c;
}

/* How many operands each `*` takes, or -1. Before an optional operand the count is the rank
 * of the tensor. */
static int64_t star_length(const tg_op *op, signature_counts c, uint32_t n) {
    if (n < c.fixed) {
        return -1;
    }
    uint32_t rest = n - c.fixed;
    if (c.stars == 0) {
        return rest <= c.optional ? 0 : -1;
    }
    if (c.stars == 2) {
        return rest % 2 == 0 ? (int64_t)(rest / 2) : -1;
    }
    if (c.optional == 0) {
        return rest;
    }
    uint32_t rank = n ? tg_operand(op, 0)->type->rank : 0;
    return rest == rank || rest == rank + 1 ? (int64_t)rank : -1;
}

static bool check_operands(verifier *v, const tg_op *op) {
    const char *s = tg_op_info_of(op->opcode)->operands;
    uint32_t n = op->n_operands;
    if (op->opcode == TG_OP_REINDEX && tg_op_flag(op, TG_ATTR_ELSE) && n) {
        n--; /* the else value follows the row's operands; its rule is in verify_rules.c */
    }
    int64_t star = star_length(op, count_letters(s), n);
    if (star < 0) {
        return verify_fail(v, op, "has %u operands; the signature is \"%s\"", op->n_operands,
                           s);
    }
    tg_dtype first = TG_DTYPE_NONE;
    uint32_t at = 0;
    for (; *s; s += *s == ',') {
        char letter = *s++;
        int64_t repeat = 1;
        if (*s == '*') {
            repeat = star, s++;
        } else if (*s == '?') {
            repeat = at < n ? 1 : 0, s++;
        }
        for (; repeat > 0; repeat--, at++) {
            const tg_type *t = tg_operand(op, at)->type;
            if (!letter_matches(letter, t, first)) {
                return verify_fail(v, op, "operand %u must be %s", at, letter_meaning(letter));
            }
            if (t->kind == TG_TYPE_TILE && first == TG_DTYPE_NONE) {
                first = t->dtype;
            }
        }
    }
    return true;
}

/* ---- results ---------------------------------------------------------------------------- */

static bool is_union_of_operands(const tg_type *result, const tg_op *op) {
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (!tg_type_axes_within(tg_operand(op, i)->type, result)) {
            return false;
        }
    }
    for (uint32_t j = 0; j < result->n_axes; j++) {
        bool found = false;
        for (uint32_t i = 0; i < op->n_operands && !found; i++) {
            found = tg_type_has_axis(tg_operand(op, i)->type, result->axes[j]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool check_elementwise(verifier *v, const tg_op *op, tg_dtype dtype) {
    if (op->n_results != 1) {
        return verify_fail(v, op, "has %u results instead of 1", op->n_results);
    }
    const tg_type *t = op->results[0].type;
    if (t->kind != TG_TYPE_TILE || (dtype != TG_DTYPE_NONE && t->dtype != dtype)) {
        return verify_fail(v, op, "result must have dtype %s", tg_dtype_name(dtype));
    }
    if (!is_union_of_operands(t, op)) {
        return verify_fail(v, op, "axes of the result are not the union of the operands' axes");
    }
    return true;
}

static bool check_results(verifier *v, const tg_op *op) {
    const char *rule = tg_op_info_of(op->opcode)->results;
    if (strcmp(rule, "same") == 0) {
        return check_elementwise(v, op, tg_operand(op, 0)->type->dtype);
    }
    if (strcmp(rule, "bool") == 0) {
        return check_elementwise(v, op, TG_BOOL);
    }
    if (strcmp(rule, "i64") == 0) {
        return check_elementwise(v, op, TG_I64);
    }
    if (strcmp(rule, "cast") == 0) {
        return check_elementwise(v, op, TG_DTYPE_NONE);
    }
    if (strcmp(rule, "none") == 0 && op->n_results) {
        return verify_fail(v, op, "has results; it gives none");
    }
    if (strcmp(rule, "tensor") == 0 &&
        (op->n_results != 1 || op->results[0].type->kind != TG_TYPE_TENSOR)) {
        return verify_fail(v, op, "must have one result, a tensor");
    }
    return true; /* explicit, regions: verify_rules.c */
}

/* ---- regions and blocks ----------------------------------------------------------------- */

static bool check_block(verifier *v, const tg_op *owner, const tg_block *block);

static verify_level region_level(const verifier *v, const tg_op *op) {
    static const verify_level by_opcode[TG_OP_COUNT] = {
        [TG_OP_PHASE] = LEVEL_NEST,      [TG_OP_PAR] = LEVEL_NEST,
        [TG_OP_MAP] = LEVEL_POINT,       [TG_OP_ASM] = LEVEL_POINT,
        [TG_OP_REDUCE_FN] = LEVEL_POINT, [TG_OP_SCAN_FN] = LEVEL_POINT,
    };
    verify_level level = by_opcode[op->opcode];
    if (level == LEVEL_NEST) { /* the innermost region of a nest is an instance */
        const tg_op *inner = op->regions[0].body.first;
        while (inner && inner->opcode != TG_OP_PAR) {
            inner = inner->next;
        }
        return inner ? LEVEL_NEST : LEVEL_TILE;
    }
    return level == LEVEL_POINT ? level : v->level;
}

static bool bind_axis(verifier *v, const tg_op *op, const tg_axis *axis) {
    static const tg_axis_kind kinds[TG_OP_COUNT] = {
        [TG_OP_PAR] = TG_AXIS_GRID, [TG_OP_FOR] = TG_AXIS_LOOP, [TG_OP_AXIS] = TG_AXIS_LOCAL};
    if (axis->binder != op || axis->kind != kinds[op->opcode]) {
        return verify_fail(v, op,
                           "axis #%s is bound by another operation or is of another kind",
                           axis->name ? axis->name : "?");
    }
    v->in_scope[axis->rank] = 1;
    return true;
}

static bool check_regions(verifier *v, const tg_op *op) {
    const tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS);
    bool binds = axis && (op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR ||
                          op->opcode == TG_OP_AXIS);
    if (binds && !bind_axis(v, op, axis)) {
        return false;
    }
    verify_level outer = v->level, inner = op->n_regions ? region_level(v, op) : outer;
    bool ok = true;
    for (uint32_t r = 0; r < op->n_regions && ok; r++) {
        if (op->regions[r].parent != op || op->regions[r].body.parent != &op->regions[r]) {
            return verify_fail(v, op, "region %u does not point back to its operation", r);
        }
        v->level = inner;
        ok = check_block(v, op, &op->regions[r].body);
    }
    v->level = outer;
    if (binds && op->opcode != TG_OP_AXIS) {
        v->in_scope[axis->rank] = 0;
    }
    return ok;
}

static bool check_op(verifier *v, const tg_op *op, const tg_block *block) {
    if (!check_links(v, op, block) || !check_attrs(v, op) || !check_operands(v, op)) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        if (op->results[i].def != op || !check_type(v, op, op->results[i].type)) {
            return verify_fail(v, op, "result %u does not point back to its operation", i);
        }
    }
    if (v->level == LEVEL_POINT && tg_op_info_of(op->opcode)->effect == TG_EFF_IO) {
        return verify_fail(v, op, "speaks of tiles; it may not stand in a region of points");
    }
    if (!check_results(v, op) || !verify_op_rule(v, op) || !check_regions(v, op)) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        if (!define_value(v, op, &op->results[i])) {
            return false;
        }
    }
    return true;
}

/* Leaves a block: its values and the axes bound in it are visible no longer. */
static void close_block(verifier *v, const tg_block *block, const tg_op *end) {
    for (uint32_t i = 0; i < block->n_args; i++) {
        v->defined[block->args[i]->id] = 0;
    }
    for (const tg_op *op = block->first; op != end; op = op->next) {
        for (uint32_t i = 0; i < op->n_results; i++) {
            v->defined[op->results[i].id] = 0;
        }
        if (op->opcode == TG_OP_AXIS) {
            v->in_scope[tg_op_axis(op, TG_ATTR_AXIS)->rank] = 0;
        }
    }
}

static bool check_block(verifier *v, const tg_op *owner, const tg_block *block) {
    if (++v->depth > MAX_DEPTH) {
        return verify_fail(v, owner, "is nested too deeply");
    }
    for (uint32_t i = 0; i < block->n_args; i++) {
        const tg_value *arg = block->args[i];
        if (arg->block != block || arg->index != i) {
            return verify_fail(v, owner, "block argument %u does not point back to its block",
                               i);
        }
        if (!define_value(v, owner, arg)) {
            return false;
        }
    }
    for (const tg_op *op = block->first; op; op = op->next) {
        if (!check_op(v, op, block)) {
            return false;
        }
    }
    close_block(v, block, NULL);
    v->depth--;
    return true;
}

static bool check_params(verifier *v) {
    const tg_func *f = v->f;
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_params; i++) {
        const tg_fparam *p = &f->params[i];
        if ((p->value == NULL) != (p->absent || p->is_const)) {
            return verify_fail(
                v, NULL,
                "parameter %u has a value although it is absent or const, or lacks one", i);
        }
        if (p->value && (n >= f->body.body.n_args || f->body.body.args[n++] != p->value)) {
            return verify_fail(v, NULL, "parameter %u is not the body argument in its place",
                               i);
        }
    }
    if (n != f->body.body.n_args) {
        return verify_fail(v, NULL, "the body has an argument that is not a parameter");
    }
    return true;
}

static bool check_axes(verifier *v) {
    const tg_func *f = v->f;
    for (uint32_t i = 0; i < f->axes.len; i++) {
        const tg_axis *a = f->axes.data[i];
        if (a->rank != i || a->extent < -1 || a->block < 0 || (a->like && a->like->rank >= i)) {
            return verify_fail(v, NULL, "axis %u has a wrong rank, extent, block or like", i);
        }
    }
    return true;
}

const char *tg_ir_verify(const tg_func *f, tg_arena *arena) {
    verifier v = {.f = f, .arena = arena};
    v.defined = TG_NEW_ARRAY(arena, uint8_t, f->next_value_id + 1u);
    v.in_scope = TG_NEW_ARRAY(arena, uint8_t, f->axes.len + 1u);
    if (check_axes(&v) && check_params(&v)) {
        check_block(&v, NULL, &f->body.body);
    }
    return v.error;
}
