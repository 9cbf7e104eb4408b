/* Alignment by name. An operand whose axes are a subset of the result's axes is read as a stream of chunks in the result's order:
 *
 *   DIRECT  the operand has all the axes: chunks are windows of its arrays
 *   CONST   one element: the chunk is filled once
 *   WALK    some axes are missing: an odometer over the result's axes, neighbours collapsed; the innermost stride is 0 or 1
 *
 * So kernels see flat arrays of at most CHUNK elements, with stride 1, that stay in the first-level cache. */
#include "dsl/interp/internal.h"

static const double zeros[CHUNK];
static const uint8_t no_flags[CHUNK];

shape shape_of_axes(const interp *c, tg_axis *const *axes, uint32_t n) {
    shape s = {.total = 1};
    for (uint32_t k = 0; k < n && s.n < MAX_AXES; k++) {
        int64_t size = c->axis[axes[k]->rank].size;
        s.axis[s.n] = axes[k];
        s.size[s.n++] = size;
        if (__builtin_mul_overflow(s.total, size, &s.total)) {
            s.total = INT64_MAX;
        }
    }
    return s;
}

shape shape_of_type(const interp *c, const tg_type *t) {
    return shape_of_axes(c, t->axes, t->n_axes);
}

shape shape_of_op(const interp *c, const tg_op *op, const tg_type *t) {
    if (c->in_lift && t->n_axes == 0) {
        for (uint32_t k = 0; k < op->n_operands; k++) {
            if (operand(c, op, k)->lifted) {
                return (shape){.lifted = true, .total = c->lift};
            }
        }
    }
    return shape_of_type(c, t);
}

int64_t shape_stride(const shape *s, int at) {
    int64_t stride = 1;
    for (int k = s->n - 1; k > at; k--) {
        stride *= s->size[k];
    }
    return stride;
}

int shape_find(const shape *s, const tg_axis *a) {
    for (int k = 0; k < s->n; k++) {
        if (s->axis[k] == a) {
            return k;
        }
    }
    return -1;
}

shape shape_union(const interp *c, const shape *a, const shape *b) {
    tg_axis *axes[2 * MAX_AXES];
    uint32_t n = 0;
    int i = 0, j = 0;
    while (i < a->n || j < b->n) {
        bool from_a = j == b->n || (i < a->n && a->axis[i]->rank <= b->axis[j]->rank);
        const tg_axis *next = from_a ? a->axis[i] : b->axis[j];
        i += i < a->n && a->axis[i] == next;
        j += j < b->n && b->axis[j] == next;
        axes[n++] = c->f->axes.data[next->rank];
    }
    shape s = shape_of_axes(c, axes, n);
    if (a->lifted || b->lifted) {
        s.lifted = true;
        s.total = c->lift;
    }
    return s;
}

/* ---- odometer --------------------------------------------------------------------------- */

void walk_init(walk *w, int n, const int64_t *size, const int64_t *stride) {
    *w = (walk){.n = 0};
    for (int k = 0; k < n; k++) {
        if (size[k] == 1) {
            continue;
        }
        if (w->n && w->stride[w->n - 1] == stride[k] * size[k]) {
            w->size[w->n - 1] *= size[k];
            w->stride[w->n - 1] = stride[k];
        } else {
            w->size[w->n] = size[k];
            w->stride[w->n++] = stride[k];
        }
    }
    if (!w->n) {
        w->n = 1;
        w->size[0] = 1;
        w->stride[0] = 0;
    }
}

int64_t walk_run(const walk *w) {
    return w->size[w->n - 1] - w->pos[w->n - 1];
}

void walk_advance(walk *w, int64_t run) {
    int k = w->n - 1;
    w->pos[k] += run;
    w->offset += run * w->stride[k];
    while (k > 0 && w->pos[k] == w->size[k]) {
        w->offset += w->stride[k - 1] - w->size[k] * w->stride[k];
        w->pos[k--] = 0;
        w->pos[k]++;
    }
}

void walk_offsets(walk *w, int64_t n, int64_t *out) {
    for (int64_t at = 0; at < n;) {
        int64_t run = walk_run(w);
        run = run < n - at ? run : n - at;
        int64_t offset = w->offset, stride = w->stride[w->n - 1];
        for (int64_t k = 0; k < run; k++) {
            out[at + k] += offset + k * stride;
        }
        walk_advance(w, run);
        at += run;
    }
}

/* ---- streams ---------------------------------------------------------------------------- */

void stream_init(stream *s, const tile *t, const tg_type *type, const shape *over,
                 chunk_store *store) {
    s->t = t;
    s->store = store;
    s->at = 0;
    s->filled = false;
    if (over->lifted ? !t->lifted : t->n == 1) {
        s->mode = STREAM_CONST;
        return;
    }
    if (over->lifted || t->n == over->total) {
        s->mode = STREAM_DIRECT;
        return;
    }
    s->mode = STREAM_WALK;
    int64_t stride[MAX_AXES], running = 1;
    int at = type->n_axes - 1;
    for (int k = over->n - 1; k >= 0; k--) {
        bool has = at >= 0 && type->axes[at] == over->axis[k];
        stride[k] = has ? running : 0;
        running *= has ? over->size[k] : 1;
        at -= has;
    }
    walk_init(&s->w, over->n, over->size, stride);
}

chunk chunk_of(const tile *t, int64_t at) {
    /* Null arrays stay null; the casts below drop const from the shared zero arrays, which are only read. */
    return (chunk){t->f ? t->f + at : NULL, t->g ? t->g + at : NULL, t->e ? t->e + at : NULL,
                   t->i ? t->i + at : NULL, t->q ? t->q + at : NULL};
}

static void fill_doubles(double *out, double v, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        out[k] = v;
    }
}

static void fill_const(chunk_store *b, const tile *t) {
    if (t->f) {
        fill_doubles(b->f, t->f[0], CHUNK);
    }
    if (t->g) {
        fill_doubles(b->g, t->g[0], CHUNK);
    }
    if (t->e) {
        fill_doubles(b->e, t->e[0], CHUNK);
    }
    if (t->i) {
        for (int64_t k = 0; k < CHUNK; k++) {
            b->i[k] = t->i[0];
        }
    }
    if (t->q) {
        memset(b->q, t->q[0], CHUNK);
    }
}

static void copy_run(double *out, const double *from, int64_t stride, int64_t n) {
    if (!from) {
        return;
    }
    if (stride) {
        memcpy(out, from, (size_t)n * sizeof *out);
    } else {
        fill_doubles(out, *from, n);
    }
}

static void copy_int_run(int64_t *out, const int64_t *from, int64_t stride, int64_t n) {
    for (int64_t k = 0; from && k < n; k++) {
        out[k] = from[k * stride];
    }
}

static void walk_chunk(stream *s, int64_t n) {
    chunk_store *b = s->store;
    for (int64_t at = 0; at < n;) {
        int64_t run = walk_run(&s->w), stride = s->w.stride[s->w.n - 1];
        run = run < n - at ? run : n - at;
        chunk from = chunk_of(s->t, s->w.offset);
        copy_run(b->f + at, from.f, stride, run);
        copy_run(b->g + at, from.g, stride, run);
        copy_run(b->e + at, from.e, stride, run);
        copy_int_run(b->i + at, from.i, stride, run);
        for (int64_t k = 0; from.q && k < run; k++) {
            b->q[at + k] = from.q[k * stride];
        }
        walk_advance(&s->w, run);
        at += run;
    }
}

chunk stream_next(stream *s, int64_t n) {
    const tile *t = s->t;
    chunk r;
    if (s->mode == STREAM_DIRECT) {
        r = chunk_of(t, s->at);
        s->at += n;
    } else {
        if (s->mode == STREAM_WALK) {
            walk_chunk(s, n);
        } else if (!s->filled) {
            fill_const(s->store, t);
            s->filled = true;
        }
        r = (chunk){t->f ? s->store->f : NULL, t->g ? s->store->g : NULL,
                    t->e ? s->store->e : NULL, t->i ? s->store->i : NULL,
                    t->q ? s->store->q : NULL};
    }
    if (!r.e) {
        r.e = (double *)(uintptr_t)zeros;
    }
    if (!r.q) {
        r.q = (uint8_t *)(uintptr_t)no_flags;
    }
    return r;
}
