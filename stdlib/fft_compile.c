/* Kernels of a plan compile on another thread while its tables are made: the first execution then waits for what is left of it.
 * What a launch is compiled for are the types and the constant extents of its tensors, so that these here have no memory. */
#include "stdlib/fft_axis.h"

static tg_tensor ghost(const tg_fft_axis *a, uint32_t rank, const int64_t *shape) {
    static char somewhere; /* absent tensors have no address */
    tg_tensor of = {.dtype = a->dtype, .context = a->context};
    of.arg.data = &somewhere;
    return tg_fft_view(&of, rank, shape, NULL);
}

/* Of factors: real parts, then imaginary ones. */
static tg_tensor ghost_table(const tg_fft_axis *a, uint32_t rank, const int64_t *shape) {
    tg_tensor t = ghost(a, rank, shape);
    t.dtype = tg_dtype_real(a->dtype);
    return t;
}

static void compile(const tg_fft_axis *a, tg_std_row row, const tg_argument *values, uint32_t n) {
    tg_kernel *kernel;
    if (tg_std_kernel(a->context, row, &kernel) == TG_OK) {
        tg_launch_compile_ahead(kernel, values, n);
    }
}

static void compile_direct(const tg_fft_axis *a, tg_fft_use use, bool normalise) {
    tg_tensor w = ghost_table(a, 1, (int64_t[]){2 * a->n - 2}), v = ghost_table(a, 1, (int64_t[]){2 * a->n});
    tg_tensor row = ghost(a, 3, (int64_t[]){1, 1, a->n}), longer = ghost(a, 3, (int64_t[]){1, 1, a->n + 1});
    tg_tensor group = ghost(a, 4, (int64_t[]){1, 1, a->beside, a->n}), together = ghost(a, 3, (int64_t[]){1, 1, a->beside * a->n});
    bool across = tg_fft_is_across(a);
    tg_tensor lines = ghost(a, 4, (int64_t[]){1, a->n, 1, a->line});
    switch (use == TG_FFT_AS_GROUPS && !a->beside ? TG_FFT_AS_ROWS : use) {
    case TG_FFT_AS_GROUPS:
        compile(a, across ? TG_STD_fft_across : TG_STD_fft_beside,
                TG_ARGS(across ? &together : &group, &w, &group, a->sign, normalise, a->last));
        break;
    case TG_FFT_AS_ROWS:
        compile(a, TG_STD_fft_rows, TG_ARGS(&row, &w, &row, a->sign, normalise, a->last));
        break;
    case TG_FFT_AS_COLUMNS:
        compile(a, TG_STD_fft_lines, TG_ARGS(&lines, &w, &lines, a->sign, normalise, a->last));
        break;
    case TG_FFT_AS_R2C:
        compile(a, TG_STD_fft_r2c, TG_ARGS(&row, &w, &v, &longer, normalise, a->last));
        break;
    case TG_FFT_AS_C2R:
        compile(a, TG_STD_fft_c2r, TG_ARGS(&longer, &w, &v, &row, normalise, a->last));
        break;
    case TG_FFT_AS_PART:
        break;
    }
}

void tg_fft_planes_compile_ahead(const tg_fft_axis *columns, const tg_fft_axis *rows, bool normalise) {
    tg_tensor plane = ghost(rows, 3, (int64_t[]){1, columns->n, rows->n});
    tg_tensor wm = ghost_table(rows, 1, (int64_t[]){2 * columns->n - 2}), wn = ghost_table(rows, 1, (int64_t[]){2 * rows->n - 2});
    compile(rows, TG_STD_fft_planes, TG_ARGS(&plane, &wm, &wn, &plane, rows->sign, normalise, rows->last));
}

static void compile_large(const tg_fft_axis *a, tg_fft_use use, bool normalise) {
    bool factor = normalise && use != TG_FFT_AS_R2C; /* whose last step has it */
    tg_tensor x = ghost(a, 4, (int64_t[]){1, 1, a->p, a->q}), y = ghost(a, 4, (int64_t[]){1, 1, a->q, a->p});
    tg_tensor wp = ghost_table(a, 1, (int64_t[]){2 * a->p - 2}), wq = ghost_table(a, 1, (int64_t[]){2 * a->q - 2});
    int64_t columns = tg_fft_columns(a), blocks = tg_fft_row_blocks(a);
    tg_tensor fb = ghost_table(a, 2, (int64_t[]){2 * columns, blocks}), fr = ghost_table(a, 2, (int64_t[]){2 * columns, a->line});
    tg_tensor between = ghost(a, 5, (int64_t[]){1, 1, blocks, columns, a->line});
    compile(a, TG_STD_fft_split, TG_ARGS(&x, &wp, &fb, &fr, &between, a->sign, a->last));
    compile(a, TG_STD_fft_join, TG_ARGS(&between, &wq, &y, a->sign, factor, a->last));
}

static void compile_convolution(const tg_fft_axis *a, bool normalise) {
    tg_tensor x = ghost(a, 3, (int64_t[]){1, 1, a->n}), v = ghost(a, 1, &a->n), h = ghost(a, 1, &a->m);
    tg_tensor w = ghost_table(a, 1, (int64_t[]){2 * a->m - 2}), powers = ghost(a, 1, &a->m);
    powers.dtype = TG_I32;
    if (a->method == TG_FFT_RADER) {
        compile(a, TG_STD_fft_rader, TG_ARGS(&x, &powers, &powers, &h, &w, &w, &x, normalise, a->last));
    } else {
        compile(a, TG_STD_fft_bluestein, TG_ARGS(&x, &v, &h, &w, &w, &x, normalise, a->last));
    }
}

void tg_fft_axis_compile_ahead(const tg_fft_axis *a, tg_fft_use use, bool normalise) {
    if (a->method == TG_FFT_DIRECT) {
        compile_direct(a, use, normalise);
    } else if (a->method == TG_FFT_LARGE && a->p > 1) {
        compile_large(a, use, normalise);
    } else if (a->method == TG_FFT_RADER || a->method == TG_FFT_BLUESTEIN) {
        compile_convolution(a, normalise && use != TG_FFT_AS_R2C);
    }
}
