/* A block-sparse matrix times a dense one, against the dense product in f64. */
#include "tutorial.h"

enum { R = 9, COLUMNS = 7, S = 16, N = 50, M = R * S, K = COLUMNS * S };

/* Which blocks exist: about one in three; block row 4 is empty. */
static int exists(int r, int c) { return r != 4 && (r * 7 + c * 5) % 3 == 0; }

static int count(void)
{
    int z = 0;
    for (int r = 0; r < R; r++)
        for (int c = 0; c < COLUMNS; c++)
            z += exists(r, c);
    return z;
}

/* Compressed rows: row[r] is the number of blocks before block row r. */
static void list_blocks(int32_t *row, int32_t *col)
{
    int32_t z = 0;
    for (int r = 0; r < R; r++) {
        row[r] = z;
        for (int c = 0; c < COLUMNS; c++)
            if (exists(r, c))
                col[z++] = c;
    }
    row[R] = z;
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/block_sparse.dsl");
    tg_kernel *kernel = tg_module_kernel(t.module, "block_sparse");
    NEED(t.context, kernel);
    int64_t z = count();
    tg_tensor *v = tutorial_random(t.context, 3, (int64_t[]){z, S, S}, 1), *b = tutorial_random(t.context, 2, (int64_t[]){K, N}, 2);
    tg_tensor *c = tutorial_random(t.context, 2, (int64_t[]){M, N}, 3);
    tg_tensor *row = tg_tensor_create(t.context, TG_I32, 1, (int64_t[]){R + 1}), *col = tg_tensor_create(t.context, TG_I32, 1, &z);
    NEED(t.context, row);
    NEED(t.context, col);
    list_blocks(tg_tensor_data(row), tg_tensor_data(col));
    CHECK(t.context, tg_launch(kernel, TG_ARGS(v, row, col, b, c)));

    static double dense[M][K];
    const int32_t *first = tg_tensor_data(row), *column = tg_tensor_data(col);
    for (int r = 0; r < R; r++)
        for (int32_t i = first[r]; i < first[r + 1]; i++)
            for (int p = 0; p < S * S; p++)
                dense[r * S + p / S][column[i] * S + p % S] = floats(v)[i * S * S + p];
    double worst = 0;
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double want = 0;
            for (int k = 0; k < K; k++)
                want += dense[m][k] * floats(b)[k * N + n];
            worst = fmax(worst, fabs((double)floats(c)[m * N + n] - want));
        }
    /* At most K products below 1 in magnitude: their sum is off by at most K roundings of at most K. */
    printf("%d of %d blocks are stored\n", (int)z, R * COLUMNS);
    int result = tutorial_report("C", worst, (double)K * K * 0x1p-24);
    tg_tensor *all[] = {v, row, col, b, c};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tg_tensor_release(all[i]);
    tutorial_close(&t);
    return result;
}
