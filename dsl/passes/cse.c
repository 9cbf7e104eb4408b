/* Common subexpressions. Idea: walk in order with a scoped table; an operation equal to a
 * visible earlier one (same opcode, operands, attributes, result types) is replaced by it.
 * Loads count as pure if their phase writes no tensor that may alias theirs. Constants at equal
 * places of sibling regions are not shared: only what dominates counts. Nothing is shared into
 * a phase or into a region applied point by point: launch code, instances and points run in
 * different places, and a constant is cheaper than handing it over. Extents of tensors are known in
 * a phase anyway, and a proof wants one name for each.
 * Terminates: every step removes an operation. */
#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

#include <string.h>

typedef struct entry {
    tg_op *op;
    uint32_t hash;
    uint32_t next; /* index + 1 of the next entry in the bucket */
} entry;

enum { N_BUCKETS = 1024 };

typedef struct table {
    tg_func *f;
    rewrite_writes writes;
    TG_VEC(entry) entries;
    uint32_t buckets[N_BUCKETS]; /* index + 1 */
    uint32_t barrier;            /* entries before it are not shared into the current region */
    uint32_t wall;               /* the same of extents, which cross into phases */
    bool changed;
} table;

static uint32_t mix(uint32_t h, uint64_t v) {
    return (h ^ (uint32_t)v ^ (uint32_t)(v >> 32)) * 2654435761u + 12345u;
}

static uint32_t hash_op(const tg_op *op) {
    uint32_t h = (uint32_t)op->opcode;
    for (uint32_t i = 0; i < op->n_operands; i++) {
        h = mix(h, tg_operand(op, i)->id);
    }
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        uint64_t bits;
        memcpy(&bits, &op->attrs[i].f, sizeof bits);
        h = mix(h, (uint64_t)op->attrs[i].i ^ bits ^ (uint64_t)op->attrs[i].key << 40);
        for (uint32_t j = 0; j < op->attrs[i].n_axes; j++) {
            h = mix(h, op->attrs[i].axes[j]->rank);
        }
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        h = mix(h, (uint64_t)(uintptr_t)op->results[i].type >> 4);
    }
    return h ^ h >> 15;
}

static bool equal_attrs(const tg_attr *a, const tg_attr *b) {
    bool head = a->key == b->key && a->kind == b->kind && a->i == b->i &&
                a->n_axes == b->n_axes &&
                memcmp(&a->f, &b->f, sizeof a->f) == 0; /* -0 and NaN by bits */
    bool text = a->kind != TG_AK_STR || strcmp(a->str, b->str) == 0;
    return head && text &&
           (a->n_axes == 0 || memcmp(a->axes, b->axes, a->n_axes * sizeof *a->axes) == 0);
}

static bool equal_ops(const tg_op *a, const tg_op *b) {
    if (a->opcode != b->opcode || a->n_operands != b->n_operands || a->n_attrs != b->n_attrs ||
        a->n_results != b->n_results) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_operands; i++) {
        if (tg_operand(a, i) != tg_operand(b, i)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->n_attrs; i++) {
        if (!equal_attrs(&a->attrs[i], &b->attrs[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->n_results; i++) {
        if (a->results[i].type != b->results[i].type) {
            return false;
        }
    }
    return true;
}

static bool is_candidate(table *t, const tg_op *op) {
    if (op->opcode == TG_OP_LOAD) {
        tg_op *phase = rewrite_phase_of(op);
        return phase && !rewrite_is_written(&t->writes, phase, tg_operand(op, 0));
    }
    return rewrite_is_pure(op) && op->n_results > 0;
}

static tg_op *find_equal(const table *t, const tg_op *op, uint32_t hash) {
    uint32_t barrier = op->opcode == TG_OP_DIM ? t->wall : t->barrier;
    for (uint32_t i = t->buckets[hash % N_BUCKETS]; i > barrier; i = t->entries.data[i - 1].next) {
        const entry *e = &t->entries.data[i - 1];
        if (e->hash == hash && equal_ops(e->op, op)) {
            return e->op;
        }
    }
    return NULL;
}

static void visit_op(table *t, tg_op *op) {
    uint32_t hash = hash_op(op);
    tg_op *same = find_equal(t, op, hash);
    if (!same) {
        uint32_t *bucket = &t->buckets[hash % N_BUCKETS];
        tg_vec_push(t->f->arena, &t->entries, (entry){op, hash, *bucket});
        *bucket = t->entries.len;
        return;
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_replace_uses(&op->results[i], &same->results[i]);
        if (!same->results[i].name) {
            same->results[i].name = op->results[i].name;
        }
    }
    tg_op_erase(op);
    t->changed = true;
}

static bool is_apart(const tg_op *op) {
    return op->opcode == TG_OP_PHASE || op->opcode == TG_OP_MAP || op->opcode == TG_OP_ASM ||
           op->opcode == TG_OP_REDUCE_FN || op->opcode == TG_OP_SCAN_FN;
}

static void visit_block(table *t, tg_block *block) {
    uint32_t mark = t->entries.len;
    for (tg_op *op = block->first, *next; op; op = next) {
        next = op->next;
        if (is_candidate(t, op)) {
            visit_op(t, op);
            continue;
        }
        uint32_t outer = t->barrier, wall = t->wall;
        t->barrier = is_apart(op) ? t->entries.len : outer;
        t->wall = is_apart(op) && op->opcode != TG_OP_PHASE ? t->entries.len : wall;
        for (uint32_t r = 0; r < op->n_regions; r++) {
            visit_block(t, &op->regions[r].body);
        }
        t->barrier = outer;
        t->wall = wall;
    }
    while (t->entries.len > mark) { /* leave the scope; the newest entry heads its bucket */
        entry *e = &t->entries.data[--t->entries.len];
        t->buckets[e->hash % N_BUCKETS] = e->next;
    }
}

bool tg_pass_cse(tg_func *f) {
    table *t = TG_NEW(f->arena, table);
    t->f = f;
    rewrite_writes_init(&t->writes, f);
    visit_block(t, &f->body.body);
    return t->changed;
}
