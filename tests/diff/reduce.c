/* Making a failing program smaller: tries one change after another on the text's function, keeps those after which it
 * fails in the same stage, until none helps. Every change goes through the reader and the verifier, so a change that makes
 * a malformed program merely fails to help. */
#include "tests/diff/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct op_list {
    tg_op **data;
    uint32_t n, cap;
} op_list;

static void collect(tg_op *op, void *user) {
    op_list *l = user;
    if (l->n < l->cap) {
        l->data[l->n++] = op;
    }
}

static bool is_used(const tg_op *op) {
    for (uint32_t i = 0; i < op->n_results; i++) {
        if (op->results[i].uses) {
            return true;
        }
    }
    return false;
}

static bool is_pinned(const tg_op *op) {
    return tg_op_is_terminator(op) || op->opcode == TG_OP_PAR || op->opcode == TG_OP_PHASE;
}

static bool axis_is_used(const tg_func *f, const tg_op *binder, op_list *l) {
    const tg_axis *a = tg_op_axis(binder, TG_ATTR_AXIS);
    (void)f;
    for (uint32_t i = 0; i < l->n; i++) {
        const tg_op *op = l->data[i];
        if (op == binder || op->erased) {
            continue;
        }
        for (uint32_t k = 0; k < op->n_results; k++) {
            if (op->results[k].type->kind == TG_TYPE_TILE &&
                tg_type_has_axis(op->results[k].type, a)) {
                return true;
            }
        }
        for (uint32_t k = 0; k < op->n_attrs; k++) {
            for (uint32_t j = 0; j < op->attrs[k].n_axes; j++) {
                if (op->attrs[k].axes[j] == a) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* Removes pure operations without uses. */
static void sweep(tg_func *f, op_list *l) {
    bool again = true;
    while (again) {
        again = false;
        for (uint32_t i = l->n; i-- > 0;) {
            tg_op *op = l->data[i];
            tg_effect e = tg_op_info_of(op->opcode)->effect;
            bool pure = e == TG_EFF_NONE || e == TG_EFF_READ ||
                        (op->opcode == TG_OP_AXIS && !axis_is_used(f, op, l));
            if (!op->erased && pure && !is_used(op) && !is_pinned(op) && op->n_regions == 0) {
                tg_op_erase(op);
                again = true;
            }
        }
    }
}

static tg_value *constant_of(tg_builder *b, const tg_type *t, int64_t v) {
    bool number = tg_dtype_is_float(t->dtype) || tg_dtype_kind_of(t->dtype) == TG_KIND_COMPLEX;
    tg_value *c =
        number ? tg_build_float(b, t->dtype, (double)v) : tg_build_int(b, t->dtype, v);
    return tg_build_broadcast(b, c, t);
}

enum { CHANGES_PER_OP = 16 };

static bool replace_result(tg_func *f, tg_op *op, uint32_t r, tg_value *with) {
    (void)f;
    if (!op->results[r].uses || with == &op->results[r]) {
        return false;
    }
    tg_replace_uses(&op->results[r], with);
    return true;
}

static bool feeds_index_op(const tg_value *v, uint32_t depth);

/* Do the indices of a store depend on this use? They must stay injective. */
static bool feeds_index_use(const tg_use *u, uint32_t depth) {
    uint32_t operand = (uint32_t)(u - u->user->operands);
    bool writes = u->user->opcode == TG_OP_STORE || u->user->opcode == TG_OP_ATOMIC ||
                  u->user->opcode == TG_OP_REINDEX_SET;
    if (writes && operand >= 2) {
        return true;
    }
    for (uint32_t r = 0; r < u->user->n_results && tg_op_is_elementwise(u->user->opcode); r++) {
        if (feeds_index_op(&u->user->results[r], depth + 1)) {
            return true;
        }
    }
    return false;
}

static bool feeds_index_op(const tg_value *v, uint32_t depth) {
    for (const tg_use *u = v->uses; u && depth < 4; u = u->next) {
        if (feeds_index_use(u, depth)) {
            return true;
        }
    }
    return false;
}

static bool feeds_index(const tg_op *op) {
    for (uint32_t r = 0; r < op->n_results; r++) {
        if (op->results[r].type->kind == TG_TYPE_TILE && op->results[r].type->dtype == TG_I64 &&
            feeds_index_op(&op->results[r], 0)) {
            return true;
        }
    }
    return false;
}

/* One change of one operation; false if it does not apply. */
static bool change_op(tg_func *f, tg_op *op, int kind, op_list *l) {
    tg_builder b = {.func = f, .block = op->parent, .before = op};
    if (kind == 0) { /* away with it */
        if (is_pinned(op) || is_used(op) ||
            (op->opcode == TG_OP_AXIS && axis_is_used(f, op, l))) {
            return false;
        }
        tg_op_erase(op);
        return true;
    }
    if (kind <= 8 && feeds_index(op)) {
        return false;
    }
    if (kind <= 6) { /* an operand instead */
        bool done = false;
        uint32_t i = (uint32_t)kind - 1;
        for (uint32_t r = 0; r < op->n_results && i < op->n_operands; r++) {
            const tg_type *t = op->results[r].type, *u = tg_operand(op, i)->type;
            if (t->kind == TG_TYPE_TILE && u->kind == TG_TYPE_TILE && t->dtype == u->dtype &&
                tg_type_axes_within(u, t)) {
                done |= replace_result(f, op, r, tg_build_broadcast(&b, tg_operand(op, i), t));
            }
        }
        return done;
    }
    if (kind <= 8 && op->opcode != TG_OP_CONST &&
        op->opcode != TG_OP_BROADCAST) { /* a constant instead */
        bool done = false;
        for (uint32_t r = 0; r < op->n_results; r++) {
            if (op->results[r].type->kind == TG_TYPE_TILE) {
                done |=
                    replace_result(f, op, r, constant_of(&b, op->results[r].type, kind - 7));
            }
        }
        return done;
    }
    bool binder =
        op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR || op->opcode == TG_OP_AXIS;
    tg_axis *a = binder ? tg_op_axis(op, TG_ATTR_AXIS) : NULL;
    if (binder && kind >= 9 && kind <= 12) { /* another extent */
        static const int64_t sizes[] = {1, 2, 3, 17};
        int64_t now;
        if (tg_value_const_int(tg_operand(op, 0), &now) && now <= sizes[kind - 9]) {
            return false;
        }
        tg_value *n = tg_build_int(&b, TG_I64, sizes[kind - 9]);
        tg_set_operand(op, 0, n);
        tg_set_operand(op, 1, tg_build_int(&b, TG_I64, 0));
        tg_set_operand(op, 2, n);
        if (a) {
            a->extent = sizes[kind - 9];
        }
        return true;
    }
    if (a && kind == 13 && a->block != 0) {
        a->block = 0;
        return true;
    }
    if (a && kind == 14 && a->block > 8) {
        a->block = 8;
        return true;
    }
    if (op->n_operands && kind == 15 &&
        (op->opcode == TG_OP_STORE || op->opcode == TG_OP_LOAD)) {
        return false;
    }
    return false;
}

/* The body of a loop or branch instead of it is more work than it is worth; an operand instead of its result does. */

static char *with_head(const char *old, const tg_func *f, tg_arena *arena) {
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    for (const char *s = old; strncmp(s, "//", 2) == 0; s = strchr(s, '\n') + 1) {
        char name[64] = "";
        bool arg = sscanf(s, "// arg %63s", name) == 1, known = !arg;
        for (uint32_t i = 0; i < f->n_params; i++) {
            known = known || strcmp(name, f->params[i].name) == 0;
        }
        if (known) {
            tg_strbuf_put(&out, s, strcspn(s, "\n") + 1);
        }
    }
    tg_ir_print(f, &out);
    return memcpy(malloc(out.len + 1), out.data, out.len + 1);
}

/* Drops the last unused parameter at or before `at`. */
static void drop_unused_params(tg_func *f) {
    tg_block *b = &f->body.body;
    for (uint32_t i = f->n_params; i-- > 0;) {
        tg_value *v = f->params[i].value;
        if (!v || v->uses) {
            continue;
        }
        for (uint32_t k = v->index; k + 1 < b->n_args; k++) {
            b->args[k] = b->args[k + 1];
            b->args[k]->index = k;
        }
        b->n_args--;
        for (uint32_t k = i; k + 1 < f->n_params; k++) {
            f->params[k] = f->params[k + 1];
        }
        f->n_params--;
    }
}

/* The text after change number `at`; null if it does not apply, *end when there are no more. */
static char *changed(const char *text, uint32_t at, bool *end) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    char *out = NULL;
    const char *why = NULL;
    tg_func *f = TG_PROTECT(&unwind) ? NULL : diff_read(text, arena, &why);
    op_list l = {f ? TG_NEW_ARRAY(arena, tg_op *, 4096) : NULL, 0, 4096};
    if (f) {
        tg_ir_walk(f, collect, &l);
    }
    uint32_t op = at / CHANGES_PER_OP;
    *end = op >= l.n;
    if (!*end && change_op(f, l.data[l.n - 1 - op], (int)(at % CHANGES_PER_OP), &l)) {
        sweep(f, &l);
        drop_unused_params(f);
        out = with_head(text, f, arena);
        tg_func *again = diff_read(out, arena, &why);
        if (!again) {
            free(out);
            out = NULL;
        }
    }
    tg_arena_destroy(arena);
    return out;
}

char *diff_reduce(const char *text, bool (*fails)(const char *text, void *user), void *user) {
    char *now = malloc(strlen(text) + 1);
    memcpy(now, text, strlen(text) + 1);
    bool progress = true;
    while (progress) {
        progress = false;
        bool end = false;
        for (uint32_t at = 0; !end;) {
            char *next = changed(now, at, &end);
            if (next && strcmp(next, now) && fails(next, user)) {
                free(now);
                now = next;
                progress = true;
            } else {
                free(next);
                at++;
            }
        }
    }
    return now;
}
