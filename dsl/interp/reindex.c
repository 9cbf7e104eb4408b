/* Named indexing of tiles: reading (reindex) and partial assignment (reindex_set). */
#include "dsl/interp/internal.h"

#include <math.h>

/* Positions in a tile: the axes that are replaced get their index from a tile, the others from the point itself. */
typedef struct mapping {
    walk kept;
    uint32_t n;
    stream index[MAX_AXES];
    chunk_store *store; /* n of them */
    int64_t first[MAX_AXES], size[MAX_AXES], stride[MAX_AXES];
    int64_t offset[CHUNK];
    uint8_t inside[CHUNK], q[CHUNK];
} mapping;

static bool is_replaced(const tg_attr *axes, const tg_axis *a) {
    for (uint32_t k = 0; k < axes->n_axes; k++) {
        if (axes->axes[k] == a) {
            return true;
        }
    }
    return false;
}

static mapping *map_tile(interp *c, const tg_op *op, uint32_t first_index, const shape *x,
                         const shape *over) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    mapping *m = pool_alloc(&c->pool, 1, sizeof *m);
    int64_t stride[MAX_AXES];
    for (int k = 0; k < over->n; k++) {
        int at = is_replaced(axes, over->axis[k]) ? -1 : shape_find(x, over->axis[k]);
        stride[k] = at < 0 ? 0 : shape_stride(x, at);
    }
    walk_init(&m->kept, over->n, over->size, stride);
    m->n = axes->n_axes;
    m->store = pool_alloc(&c->pool, m->n, sizeof *m->store);
    for (uint32_t k = 0; k < m->n; k++) {
        const tg_value *v = tg_operand(op, first_index + k);
        axis_state a = c->axis[axes->axes[k]->rank];
        stream_init(&m->index[k], c->slot[v->id], v->type, over, &m->store[k]);
        m->first[k] = a.first;
        m->size[k] = a.size;
        m->stride[k] = shape_stride(x, shape_find(x, axes->axes[k]));
    }
    return m;
}

static void map_free(interp *c, mapping *m) {
    pool_free(&c->pool, m->store);
    pool_free(&c->pool, m);
}

static void map_next(mapping *m, int64_t n) {
    memset(m->offset, 0, (size_t)n * sizeof *m->offset);
    memset(m->inside, 1, (size_t)n);
    memset(m->q, 0, (size_t)n);
    walk_offsets(&m->kept, n, m->offset);
    for (uint32_t j = 0; j < m->n; j++) {
        chunk x = stream_next(&m->index[j], n);
        for (int64_t k = 0; k < n; k++) {
            uint64_t at = (uint64_t)x.i[k] - (uint64_t)m->first[j];
            bool inside = at < (uint64_t)m->size[j];
            m->inside[k] &= inside;
            m->offset[k] += inside ? (int64_t)at * m->stride[j] : 0;
            m->q[k] |= x.q[k];
        }
    }
}

static void copy_element(const chunk *r, int64_t to, const chunk *x, int64_t from) {
    if (r->f) {
        r->f[to] = x->f ? x->f[from] : 0;
    }
    if (r->g) {
        r->g[to] = x->g ? x->g[from] : 0;
    }
    if (r->i) {
        r->i[to] = x->i ? x->i[from] : 0;
    }
    if (r->e) {
        r->e[to] = x->e ? x->e[from] : 0;
    }
    if (r->q) {
        r->q[to] = x->q ? x->q[from] : 0;
    }
}

static void open_element(const chunk *r, int64_t at) {
    if (r->e) {
        r->e[at] = INFINITY;
    }
    if (r->q) {
        r->q[at] = 1;
    }
}

static bool index_is_open(const interp *c, const tg_op *op, uint32_t first, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        if (operand(c, op, first + k)->q) {
            return true;
        }
    }
    return false;
}

void exec_reindex(interp *c, const tg_op *op) {
    const tile *x = operand(c, op, 0);
    uint32_t n_index = tg_op_attr(op, TG_ATTR_AXES)->n_axes;
    const tg_value *other = tg_op_else(op);
    const tile *else_tile = other ? c->slot[other->id] : NULL;
    const tg_type *type = tg_result(op, 0)->type;
    shape s = shape_of_type(c, type), own = shape_of_type(c, tg_operand(op, 0)->type);
    bool errors = x->e || x->q || (else_tile && (else_tile->e || else_tile->q)) ||
                  index_is_open(c, op, 1, n_index);
    tile *r = tile_new(c, type->dtype, &s, errors);
    mapping *m = map_tile(c, op, 1, &own, &s);
    chunk from = chunk_of(x, 0), none = {0};
    stream es;
    chunk_store store;
    if (other) {
        stream_init(&es, else_tile, other->type, &s, &store);
    }
    for (int64_t at = 0; at < r->n; at += CHUNK) {
        int64_t n = r->n - at < CHUNK ? r->n - at : CHUNK;
        chunk out = chunk_of(r, at), alt = other ? stream_next(&es, n) : none;
        map_next(m, n);
        for (int64_t k = 0; k < n; k++) {
            copy_element(&out, k, m->inside[k] ? &from : &alt, m->inside[k] ? m->offset[k] : k);
            if (m->q[k]) {
                open_element(&out, k);
            }
        }
    }
    map_free(c, m);
    set_slot(c, tg_result(op, 0), r);
}

/* The points of a partial assignment: (axes(x) minus the replaced ones) and the axes of the indices. */
static shape assigned_points(interp *c, const tg_op *op, const shape *x) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    tg_axis *kept[MAX_AXES];
    uint32_t n = 0;
    for (int k = 0; k < x->n; k++) {
        if (!is_replaced(axes, x->axis[k])) {
            kept[n++] = c->f->axes.data[x->axis[k]->rank];
        }
    }
    shape s = shape_of_axes(c, kept, n);
    for (uint32_t k = 0; k < axes->n_axes; k++) {
        shape index = shape_of_type(c, tg_operand(op, 2 + k)->type);
        s = shape_union(c, &s, &index);
    }
    return s;
}

void exec_reindex_set(interp *c, const tg_op *op) {
    const tile *x = operand(c, op, 0), *v = operand(c, op, 1);
    const tg_type *type = tg_result(op, 0)->type;
    shape own = shape_of_type(c, type), s = assigned_points(c, op, &own);
    bool open = index_is_open(c, op, 2, tg_op_attr(op, TG_ATTR_AXES)->n_axes);
    tile *r = tile_new(c, type->dtype, &own, x->e || x->q || v->e || v->q || open);
    chunk out = chunk_of(r, 0), old = chunk_of(x, 0);
    for (int64_t k = 0; k < r->n; k++) {
        copy_element(&out, k, &old, k);
        if (open) {
            open_element(&out, k);
        }
    }
    mapping *m = map_tile(c, op, 2, &own, &s);
    stream vs;
    chunk_store store;
    stream_init(&vs, v, tg_operand(op, 1)->type, &s, &store);
    for (int64_t at = 0; at < s.total; at += CHUNK) {
        int64_t n = s.total - at < CHUNK ? s.total - at : CHUNK;
        chunk in = stream_next(&vs, n);
        map_next(m, n);
        for (int64_t k = 0; k < n; k++) {
            if (m->inside[k]) {
                copy_element(&out, m->offset[k], &in, k);
            }
        }
    }
    map_free(c, m);
    set_slot(c, tg_result(op, 0), r);
}
