/* Transforms of tensors from one-dimensional ones: along the last dimension by rows, along the others by columns, from one
 * buffer to the next. */
#include "stdlib/fft_axis.h"

enum { MAX_FFT_RANK = 3 };

struct tg_fft_plan {
    tg_context *context;
    tg_fft_options options;
    uint32_t rank;
    int64_t n[MAX_FFT_RANK];
    int64_t last;                   /* complex numbers in the last dimension: n, or n / 2 + 1 */
    tg_fft_axis axis[MAX_FFT_RANK]; /* the last one: of length n, or n / 2 where `paired` */
    bool paired;                    /* real rows as pairs */
    bool plane;                     /* both dimensions in one launch */
    tg_tensor *turn;                /* paired: exp(sign pi i k / (n / 2)) */
    tg_fft_work *work;
};

static bool is_real(const tg_fft_plan *p) {
    return p->options.kind != TG_FFT_C2C;
}

/* ---- creation ---------------------------------------------------------------------------- */

static tg_status check(tg_context *context, uint32_t rank, const int64_t *lengths,
                       const tg_fft_options *o) {
    if (rank < 1 || rank > MAX_FFT_RANK || !lengths) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "a transform has 1 to %d dimensions",
                       MAX_FFT_RANK);
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (lengths[d] < 1 || lengths[d] > (int64_t)1 << 28) {
            return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                           "length %lld is not in 1 ... 2^28", (long long)lengths[d]);
        }
    }
    if ((o->dtype != TG_C32 && o->dtype != TG_C64) ||
        (int)o->kind < 0 || o->kind > TG_FFT_C2R ||
        (o->kind == TG_FFT_C2C && o->sign != -1 && o->sign != 1)) {
        return tg_fail(
            context, TG_ERROR_INVALID_ARGUMENT,
            "options of a transform: dtype c32 or c64, kind, sign -1 or 1");
    }
    return TG_OK;
}

static tg_status init_pairs(tg_fft_plan *p, int sign) {
    int64_t half = p->n[p->rank - 1] / 2, shape[] = {2, 1, half};
    p->turn = tg_tensor_create(p->context, tg_dtype_real(p->options.dtype), 3, shape);
    if (!p->turn) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    return tg_fft_fill_twiddles(p->turn, sign, 0) ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
}

/* Two launches take as long as all passes of few points. Not tried with vectors of 512 bits. */
static bool is_small_plane(const tg_fft_plan *p) {
    enum { MOST = 2048 };
    bool small = p->rank == 2 && !is_real(p) && p->n[0] * p->n[1] <= MOST && p->context->machine.vector_bits < 512;
    for (uint32_t d = 0; d < p->rank && small; d++) {
        small = p->n[d] > 1 && tg_fft_is_smooth(p->n[d], TG_FFT_MOST_PRIME);
    }
    return small;
}

static tg_fft_use use_of(const tg_fft_plan *p, uint32_t d, bool halves, int sign) {
    if (p->plane) {
        return TG_FFT_AS_PART;
    }
    if (d + 1 < p->rank) {
        return TG_FFT_AS_COLUMNS;
    }
    if (halves) {
        return sign < 0 ? TG_FFT_AS_R2C : TG_FFT_AS_C2R;
    }
    return d > 0 && p->n[d - 1] % tg_fft_rows_beside(p->context) == 0 ? TG_FFT_AS_GROUPS : TG_FFT_AS_ROWS;
}

static tg_status init_axes(tg_fft_plan *p) {
    int sign = p->options.kind == TG_FFT_R2C   ? -1
               : p->options.kind == TG_FFT_C2R ? 1
                                               : p->options.sign;
    tg_status s = TG_OK;
    p->plane = is_small_plane(p);
    for (uint32_t d = 0; d < p->rank && s == TG_OK; d++) {
        bool halves = d + 1 == p->rank && is_real(p) && p->n[d] % 2 == 0;
        s = tg_fft_axis_init(&p->axis[d], p->context, p->options.dtype, halves ? p->n[d] / 2 : p->n[d], sign,
                             use_of(p, d, halves, sign), p->options.normalise != 0);
        p->paired = halves;
    }
    if (s == TG_OK && p->plane) {
        tg_fft_planes_compile_ahead(&p->axis[0], &p->axis[1], p->options.normalise != 0);
    }
    return s == TG_OK && p->paired ? init_pairs(p, sign) : s;
}

tg_status tg_fft_plan_create(tg_context *context, uint32_t rank, const int64_t *lengths,
                             const tg_fft_options *options, tg_fft_plan **out) {
    if (!context || !out || !options) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "context, options or out is null");
    }
    *out = NULL;
    tg_fft_options o;
    if (!tg_std_options(options, &o, sizeof o)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "tg_fft_plan_create: struct_size is wrong");
    }
    tg_status s = check(context, rank, lengths, &o);
    if (s) {
        return s;
    }
    tg_fft_plan *p = tg_alloc(&context->allocator, sizeof *p, _Alignof(tg_fft_plan));
    if (!p) {
        return tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    p->context = context;
    p->options = o;
    p->rank = rank;
    for (uint32_t d = 0; d < rank; d++) {
        p->n[d] = lengths[d];
    }
    p->work = tg_alloc(&context->allocator, sizeof *p->work, _Alignof(tg_fft_work));
    p->last = is_real(p) ? lengths[rank - 1] / 2 + 1 : lengths[rank - 1];
    s = p->work ? init_axes(p) : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    if (s) {
        tg_fft_plan_destroy(p);
        return s;
    }
    *out = p;
    return TG_OK;
}

void tg_fft_plan_destroy(tg_fft_plan *p) {
    if (!p) {
        return;
    }
    for (uint32_t d = 0; d < p->rank; d++) {
        tg_fft_axis_clear(&p->axis[d]);
    }
    tg_tensor_release(p->turn);
    if (p->work) {
        tg_fft_work_clear(p->work, p->context);
        tg_free(&p->context->allocator, p->work, sizeof *p->work);
    }
    tg_free(&p->context->allocator, p, sizeof *p);
}

/* ---- checks of tensors ------------------------------------------------------------------- */

static int64_t extent(const tg_fft_plan *p, uint32_t d, bool complex) {
    return d + 1 == p->rank && complex ? p->last : p->n[d];
}

static tg_status check_tensor(const tg_fft_plan *p, const tg_tensor *t, bool complex,
                              const char *name) {
    tg_dtype want = complex ? p->options.dtype : tg_dtype_real(p->options.dtype);
    if (!t || t->dtype != want || t->rank < p->rank) {
        return tg_fail(p->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s of the transform: %s of %u or more dimensions is wanted", name,
                       tg_dtype_name(want), p->rank);
    }
    for (uint32_t d = 0; d < p->rank; d++) {
        int64_t have = t->arg.shape[t->rank - p->rank + d];
        if (have != extent(p, d, complex)) {
            return tg_fail(p->context, TG_ERROR_LAUNCH,
                           "L0901: dimension %u of %s is %lld, the transform takes %lld", d,
                           name, (long long)have, (long long)extent(p, d, complex));
        }
    }
    return TG_OK;
}

static int64_t batch_of(const tg_fft_plan *p, const tg_tensor *t) {
    int64_t n = 1;
    for (uint32_t d = 0; d + p->rank < t->rank; d++) {
        n *= t->arg.shape[d];
    }
    return n;
}

/* ---- execution --------------------------------------------------------------------------- */

/* Memory for `n` complex numbers between two steps; null: out of memory. Give it back to the same slot. */
static tg_tensor *take(const tg_fft_plan *p, uint32_t slot, int64_t n) {
    return tg_fft_work_take(p->work, slot, p->context, p->options.dtype, n);
}

static tg_status real_rows_whole(const tg_fft_plan *p, const tg_fft_axis *axis,
                                 const tg_tensor *x, tg_tensor *y, bool forward) {
    int64_t a = x->arg.shape[0], c = x->arg.shape[1], n = p->n[p->rank - 1];
    bool narrow = p->options.dtype == TG_C32;
    tg_std_row widen = narrow ? TG_STD_fft_widen : TG_STD_fft_widen64, real = narrow ? TG_STD_fft_real : TG_STD_fft_real64;
    tg_tensor *held[] = {take(p, 0, a * c * n), take(p, 1, a * c * n)};
    tg_status s = held[0] && held[1] ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    if (s == TG_OK) {
        int64_t shape[] = {a, c, n};
        tg_tensor one = tg_fft_view(held[0], 3, shape, NULL), two = tg_fft_view(held[1], 3, shape, NULL);
        s = tg_std_launch(p->context, forward ? widen : TG_STD_fft_mirror, TG_ARGS(x, &one));
        s = s ? s : tg_fft_axis_rows(axis, &one, &two, p->options.normalise != 0);
        s = s ? s : tg_std_launch(p->context, forward ? TG_STD_fft_head : real, TG_ARGS(&two, y));
    }
    tg_fft_work_give(p->work, 0, held[0]);
    tg_fft_work_give(p->work, 1, held[1]);
    return s;
}

/* Halves that take more than one instance: a step more before or after. */
static tg_status long_pairs(const tg_fft_plan *p, const tg_tensor *x, const tg_tensor *turn, tg_tensor *y, bool forward) {
    const tg_fft_axis *axis = &p->axis[p->rank - 1];
    const int64_t *shape = (forward ? x : y)->arg.shape;
    bool normalise = p->options.normalise != 0;
    tg_tensor *held = take(p, 1, shape[0] * shape[1] * shape[2]);
    if (!held) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    tg_tensor z = tg_fft_view(held, 3, shape, NULL);
    tg_status s;
    if (forward) {
        s = tg_fft_axis_rows(axis, x, &z, false);
        s = s ? s : tg_std_launch(p->context, TG_STD_fft_untangle, TG_ARGS(&z, turn, y, normalise));
    } else {
        s = tg_std_launch(p->context, TG_STD_fft_tangle, TG_ARGS(x, turn, &z, normalise));
        s = s ? s : tg_fft_axis_rows(axis, &z, y, normalise);
    }
    tg_fft_work_give(p->work, 1, held);
    return s;
}

/* Rows whose strides do not allow pairs: transformed through a row-major copy. */
static tg_status copy_rows(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y,
                           bool forward);

/* The launch that rows are, with what its arguments point to; false if they are not one launch. */
typedef struct rows_call {
    tg_fft_call call;
    tg_tensor pairs, turn;
} rows_call;

static bool call_of_rows(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y, rows_call *c) {
    const tg_fft_axis *axis = &p->axis[p->rank - 1];
    bool forward = p->options.kind == TG_FFT_R2C, normalise = p->options.normalise != 0;
    if (!is_real(p)) {
        return tg_fft_axis_call(axis, x, y, normalise, &c->call);
    }
    if (!p->paired || axis->method != TG_FFT_DIRECT || !tg_fft_as_pairs(forward ? x : y, p->options.dtype, &c->pairs)) {
        return false;
    }
    c->turn = tg_fft_view(p->turn, 1, &p->n[p->rank - 1], NULL);
    c->call = forward ? tg_fft_call_make(TG_STD_fft_r2c, 3, TG_ARGS(&c->pairs, axis->w[0], &c->turn, y, normalise, axis->last))
                      : tg_fft_call_make(TG_STD_fft_c2r, 3, TG_ARGS(x, axis->w[0], &c->turn, &c->pairs, normalise, axis->last));
    return true;
}

static tg_status real_rows(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y) {
    const tg_fft_axis *axis = &p->axis[p->rank - 1];
    bool forward = p->options.kind == TG_FFT_R2C;
    tg_tensor pairs;
    if (!p->paired) {
        return real_rows_whole(p, axis, x, y, forward);
    }
    if (!tg_fft_as_pairs(forward ? x : y, p->options.dtype, &pairs)) {
        return copy_rows(p, x, y, forward);
    }
    tg_tensor turn = tg_fft_view(p->turn, 1, &p->n[p->rank - 1], NULL);
    return forward ? long_pairs(p, &pairs, &turn, y, true) : long_pairs(p, x, &turn, &pairs, false);
}

static tg_status copy_rows(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y,
                           bool forward) {
    const int64_t *n = forward ? x->arg.shape : y->arg.shape;
    tg_tensor *rows = tg_tensor_create(p->context, tg_dtype_real(p->options.dtype), 3, n);
    tg_status s = rows ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    if (forward) {
        s = s ? s : tg_tensor_copy(rows, x);
        s = s ? s : real_rows(p, rows, y);
    } else {
        s = s ? s : real_rows(p, x, rows);
        s = s ? s : tg_tensor_copy(y, rows);
    }
    tg_tensor_release(rows);
    return s;
}

static tg_status last_rows(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y) {
    rows_call c;
    if (call_of_rows(p, x, y, &c)) {
        return tg_fft_call_launch(p->context, &c.call);
    }
    return is_real(p)
               ? real_rows(p, x, y)
               : tg_fft_axis_rows(&p->axis[p->rank - 1], x, y, p->options.normalise != 0);
}

/* Data of several dimensions, row-major but for rows that are `pitch` elements apart. */
typedef struct grid_data {
    tg_tensor t;
    int64_t pitch;
} grid_data;

/* From this row on; nothing of nothing. */
static grid_data from_row(const grid_data *g, int64_t row) {
    grid_data part = *g;
    if (part.t.arg.data) {
        part.t.arg.data = (char *)part.t.arg.data + row * g->pitch * (int64_t)tg_dtype_size(g->t.dtype);
    }
    return part;
}

/* What is between two steps. Rows that were a multiple of 512 bytes would have their columns in few sets of the first-level cache. */
static int64_t pitch_between(const tg_fft_plan *p) {
    enum { DENSE = 512, LINE = 64 };
    int64_t size = (int64_t)tg_dtype_size(p->options.dtype);
    return p->last * size % DENSE == 0 ? p->last + LINE / size : p->last;
}

static tg_tensor all_columns(const grid_data *g, int64_t matrices, int64_t n, int64_t rows) {
    int64_t width = rows * g->pitch;
    return tg_fft_view(&g->t, 3, (int64_t[]){matrices, n, width}, (int64_t[]){n * width, width, 1});
}

/* Along dimension d < rank - 1 of complex data, `matrices` of them; x null: from y to itself. Rows of both are equally far apart, or there is one. */
static tg_status run_columns(const tg_fft_plan *p, uint32_t d, int64_t matrices, const grid_data *x, const grid_data *y) {
    int64_t rows = d + 2 < p->rank ? p->n[d + 1] : 1;
    tg_tensor to = all_columns(y, matrices, p->n[d], rows), from = x ? all_columns(x, matrices, p->n[d], rows) : to;
    to.arg.shape[2] = from.arg.shape[2] = rows > 1 ? rows * y->pitch : p->last;
    bool normalise = p->options.normalise != 0;
    return x ? tg_fft_axis_columns(&p->axis[d], &from, &to, normalise) : tg_fft_axis_columns_in_place(&p->axis[d], &to, normalise);
}

static tg_tensor all_rows(const tg_fft_plan *p, const grid_data *g, int64_t rows, bool complex) {
    return tg_fft_view(&g->t, 3, (int64_t[]){1, rows, extent(p, p->rank - 1, complex)}, (int64_t[]){rows * g->pitch, g->pitch, 1});
}

static tg_status run_all_rows(const tg_fft_plan *p, int64_t rows, const grid_data *x, const grid_data *y) {
    tg_tensor from = all_rows(p, x, rows, p->options.kind != TG_FFT_R2C), to = all_rows(p, y, rows, p->options.kind != TG_FFT_C2R);
    return last_rows(p, &from, &to);
}

/* How transforms of two or three dimensions go through memory. Planes, the last two dimensions, are transformed a few at a time, from x to `between`
 * to y, so that what is between is still in the second-level cache; a plane that is much longer than that goes to y and its columns stay there. The first of three dimensions is transformed
 * in y as well, or in C2R, which ends with rows, from x to `whole`. */
typedef struct grid_steps {
    const tg_fft_plan *p;
    int64_t planes, some; /* of all, and at a time */
    int64_t rows;         /* of a plane */
    bool in_place;
    grid_data x, y, between, whole;
} grid_steps;

static bool rows_are_last(const tg_fft_plan *p) {
    return p->options.kind == TG_FFT_C2R;
}

/* Work that is more than that of launching, and, if all threads have a share in them, instances for each. */
static int64_t planes_at_a_time(const tg_fft_plan *p, int64_t bytes, bool shared) {
    enum { INSTANCES = 4 /* for each thread */, PART = 4 /* of the second-level cache */ };
    int64_t line = p->axis[p->rank - 2].line, blocks = (p->last + line - 1) / line;
    int64_t busy = shared ? (INSTANCES * tg_context_n_threads(p->context) + blocks - 1) / blocks : 1;
    int64_t large = (int64_t)p->context->machine.l2_bytes / PART / bytes;
    return busy > large ? busy : large;
}

/* Planes `from` … `from` + `n` - 1, with the memory of this part. */
static tg_status run_some_planes(const void *of, int64_t part, int64_t from, int64_t n) {
    const grid_steps *g = of;
    const tg_fft_plan *p = g->p;
    uint32_t d = p->rank - 2;
    grid_data between = from_row(&g->between, part * g->some * g->rows);
    tg_status s = TG_OK;
    for (int64_t i = 0; i < n && s == TG_OK; i += g->some) {
        int64_t m = g->some < n - i ? g->some : n - i;
        grid_data x = from_row(&g->x, (from + i) * g->rows), y = from_row(&g->y, (from + i) * g->rows);
        if (rows_are_last(p)) {
            s = run_columns(p, d, m, &x, &between);
            s = s ? s : run_all_rows(p, m * g->rows, &between, &y);
        } else {
            s = run_all_rows(p, m * g->rows, &x, g->in_place ? &y : &between);
            s = s ? s : run_columns(p, d, m, g->in_place ? NULL : &between, &y);
        }
    }
    return s;
}

static tg_status run_planes(const tg_fft_plan *p, const grid_steps *g) {
    return tg_fft_run_parts(p->context, g->planes, run_some_planes, g);
}

static tg_status run_steps(const tg_fft_plan *p, grid_steps *g, int64_t batch) {
    if (p->rank == 2) {
        return run_planes(p, g);
    }
    grid_data x = g->x, y = g->y;
    if (rows_are_last(p)) {
        g->x = g->whole;
        tg_status s = run_columns(p, 0, batch, &x, &g->whole);
        return s ? s : run_planes(p, g);
    }
    bool here = g->whole.t.arg.data == NULL;
    g->y = here ? y : g->whole;
    tg_status s = run_planes(p, g);
    return s ? s : run_columns(p, 0, batch, here ? NULL : &g->whole, &y);
}

static grid_data held_data(const tg_tensor *held, int64_t pitch) {
    grid_data g = {.pitch = pitch};
    if (held) {
        g.t = tg_fft_view(held, 1, held->arg.shape, NULL);
    }
    return g;
}

static tg_status run_dims(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y) {
    enum { PARTS = 2 };
    int64_t batch = batch_of(p, x), rows = p->n[p->rank - 2], bytes = rows * p->last * (int64_t)tg_dtype_size(p->options.dtype);
    grid_steps g = {.p = p, .planes = batch * (p->rank == 3 ? p->n[0] : 1), .rows = rows};
    int64_t n_parts = tg_fft_n_parts(p->context, g.planes), most = (g.planes + n_parts - 1) / n_parts, some = planes_at_a_time(p, bytes, n_parts == 1);
    g.some = some < most ? some : most;
    bool backward = rows_are_last(p);
    g.in_place = !backward && PARTS * bytes > p->context->machine.l2_bytes && tg_fft_axis_is_in_place(&p->axis[p->rank - 2]);
    bool whole = p->rank == 3 && (backward || !tg_fft_axis_is_in_place(&p->axis[0]));
    tg_tensor *held[] = {g.in_place ? NULL : take(p, 0, n_parts * g.some * rows * pitch_between(p)), whole ? take(p, 1, g.planes * rows * p->last) : NULL};
    tg_status s = (g.in_place || held[0]) && (!whole || held[1]) ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    if (s == TG_OK) {
        g.x = (grid_data){*x, extent(p, p->rank - 1, p->options.kind != TG_FFT_R2C)};
        g.y = (grid_data){*y, extent(p, p->rank - 1, !backward)};
        g.between = held_data(held[0], pitch_between(p));
        g.whole = held_data(held[1], p->last);
        s = run_steps(p, &g, batch);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (held[i]) {
            tg_fft_work_give(p->work, i, held[i]);
        }
    }
    return s;
}

/* x and y are what the plan is executed with. */
static tg_status run_call(const tg_fft_plan *p, const tg_fft_call *c, const tg_tensor *x, const tg_tensor *y) {
    tg_status s = tg_fft_call_launch(p->context, c);
    uint32_t n = atomic_load_explicit(&p->work->n_launched, memory_order_relaxed);
    if (s == TG_OK && n <= p->context->specialise_after) {
        atomic_store_explicit(&p->work->n_launched, n + 1, memory_order_relaxed);
    } else if (s == TG_OK) {
        tg_fft_ready_keep(&p->work->ready, p->context, c, x, y);
    }
    return s;
}

static tg_status run_rows(const tg_fft_plan *p, const tg_tensor *x, const tg_tensor *y) {
    tg_tensor from, to;
    if (!tg_fft_as_rows(x, &from) || !tg_fft_as_rows(y, &to)) {
        return tg_fail(p->context, TG_ERROR_UNSUPPORTED,
                       "more than two leading dimensions must be row-major");
    }
    rows_call c;
    return call_of_rows(p, &from, &to, &c) ? run_call(p, &c.call, x, y) : last_rows(p, &from, &to);
}

static tg_status run_small_planes(const tg_fft_plan *p, const tg_tensor *x, const tg_tensor *y) {
    int64_t shape[] = {batch_of(p, x), p->n[0], p->n[1]};
    tg_tensor from = tg_fft_view(x, 3, shape, NULL), to = tg_fft_view(y, 3, shape, NULL);
    const tg_fft_axis *columns = &p->axis[0], *rows = &p->axis[1];
    tg_fft_call c = tg_fft_call_make(TG_STD_fft_planes, 3,
                                     TG_ARGS(&from, columns->w[0], rows->w[0], &to, rows->sign, p->options.normalise != 0, rows->last));
    return run_call(p, &c, x, y);
}

tg_status tg_fft_execute(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y) {
    tg_status s;
    if (!p) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "plan is null");
    }
    if (tg_fft_ready_run(atomic_load_explicit(&p->work->ready, memory_order_acquire), x, y, &s)) {
        return s;
    }
    s = check_tensor(p, x, p->options.kind != TG_FFT_R2C, "input");
    s = s ? s : check_tensor(p, y, p->options.kind != TG_FFT_C2R, "output");
    if (s) {
        return s;
    }
    if (x->rank != y->rank || batch_of(p, x) != batch_of(p, y)) {
        return tg_fail(
            p->context, TG_ERROR_LAUNCH,
            "L0901: input and output of the transform have different leading dimensions");
    }
    if (batch_of(p, x) == 0) {
        return TG_OK;
    }
    if (p->rank == 1) {
        return run_rows(p, x, y);
    }
    if (!tg_fft_is_row_major(x) || !tg_fft_is_row_major(y)) {
        return tg_fail(p->context, TG_ERROR_UNSUPPORTED,
                       "transforms of several dimensions take row-major tensors");
    }
    return p->plane ? run_small_planes(p, x, y) : run_dims(p, x, y);
}
