/* Blocks of products for several threads: what must hold of any choice, and choices that a count of bytes and cycles decides. */
#include "base/sharing.h"

#include <criterion/criterion.h>

/* f32 with AVX-512: 24 vectors of sums, rows read in place. */
static tg_product product(int64_t rows, int64_t columns, int64_t points) {
    return (tg_product){.columns = columns,
                        .rows = rows,
                        .points = points,
                        .others = 1,
                        .width = 64,
                        .height = 6,
                        .lanes = 16,
                        .group = 1,
                        .speed = 2,
                        .column_bytes = 4,
                        .row_bytes = 4,
                        .sum_bytes = 4,
                        .most_rows = 4096};
}

static int64_t parts(int64_t extent, int64_t block) {
    return (extent + block - 1) / block;
}

static int64_t tasks(const tg_product *p) {
    return parts(p->columns, p->column_block) * parts(p->rows, p->row_block);
}

static void check_blocks(tg_product p, int64_t threads) {
    tg_share_product(&p, threads);
    cr_assert(p.column_block > 0 && p.column_block <= p.columns);
    cr_assert(p.row_block > 0 && p.row_block <= p.rows && p.row_block <= p.most_rows);
    cr_assert(p.column_block == p.columns || p.column_block % p.width == 0);
    cr_assert(p.row_block == p.rows || p.row_block == p.most_rows ||
              p.row_block % p.height == 0);
}

Test(sharing, blocks_are_whole_tiles_of_the_product) {
    static const int64_t sizes[] = {
        1, 5, 6, 7, 64, 65, 127, 1000, 4096, 100000, INT64_C(1) << 40, INT64_MAX};
    static const int64_t threads[] = {1, 2, 3, 7, 64, 1024};
    enum { N = sizeof sizes / sizeof *sizes };
    for (int t = 0; t < 6; t++) {
        for (int i = 0; i < N * N * N; i++) {
            tg_product p = product(sizes[i % N], sizes[i / N % N], sizes[i / N / N]);
            check_blocks(p, threads[t]);
            p.others = sizes[i % N];
            p.most_rows = 192;
            p.packs_rows = 1;
            check_blocks(p, threads[t]);
        }
    }
}

Test(sharing, one_thread_cuts_nothing_that_fits) {
    tg_product p = product(1000, 1000, 1000);
    tg_share_product(&p, 1);
    cr_assert(tasks(&p) == 1);
}

Test(sharing, a_wake_up_is_not_worth_a_tiny_product) {
    tg_product p = product(8, 16, 16);
    tg_share_product(&p, 8);
    cr_assert(tasks(&p) == 1);
}

Test(sharing, every_thread_has_work_and_none_much_more) {
    static const int64_t sizes[][3] = {{127, 129, 131}, {128, 768, 768}, {512, 512, 64},
                                       {256, 256, 256}, {4096, 64, 64},  {1000, 1000, 1000}};
    for (int64_t threads = 2; threads <= 4; threads++) {
        for (int i = 0; i < 6; i++) {
            tg_product p = product(sizes[i][0], sizes[i][1], sizes[i][2]);
            tg_share_product(&p, threads);
            double share = (double)p.rows * (double)p.columns / (double)threads;
            double most = (double)parts(tasks(&p), threads) * (double)p.row_block *
                          (double)p.column_block;
            cr_expect(most < 1.4 * share, "%d: blocks of %d x %d for %d threads", i,
                      (int)p.row_block, (int)p.column_block, (int)threads);
        }
    }
}

/* Each task packs its rows and its columns: few tasks, of all rows. */
Test(sharing, packed_operands_are_packed_for_few_tasks) {
    tg_product p = product(128, 768, 768);
    p.group = 4;
    p.column_bytes = p.row_bytes = p.packs_rows = 1;
    tg_share_product(&p, 2);
    cr_assert(p.row_block == p.rows);
    cr_assert(tasks(&p) >= 2 && tasks(&p) <= 4);
}

/* One row against a large matrix: long runs of it for each thread. */
Test(sharing, a_streamed_matrix_is_cut_into_long_runs) {
    tg_product p = product(1, 4096, 4096);
    tg_share_product(&p, 2);
    cr_assert(p.column_block >= 512);
    cr_assert(tasks(&p) >= 2);
}

/* From memory the runs are longer still: where each begins a core waits. */
Test(sharing, a_matrix_in_memory_is_read_in_runs_of_pages) {
    tg_product p = product(1, 4096, 4096);
    p.width = 16;
    p.lanes = 8;
    tg_share_product(&p, 2);
    cr_assert(p.column_block == 2048);
}

/* With narrow panels all columns of a task are packed, and its rows if there are many panels: neither many times over. */
Test(sharing, large_products_are_packed_few_times) {
    static const int64_t sizes[][3] = {
        {1000, 1000, 1000}, {1024, 1024, 1024}, {2048, 2048, 2048}};
    for (int i = 0; i < 3; i++) {
        tg_product p = product(sizes[i][0], sizes[i][1], sizes[i][2]);
        p.width = 16;
        p.lanes = 8;
        tg_share_product(&p, 2);
        int64_t copies = parts(p.rows, p.row_block) + parts(p.columns, p.column_block);
        cr_expect(copies <= 6, "%d: blocks of %d x %d", i, (int)p.row_block,
                  (int)p.column_block);
    }
}

/* Some microseconds are worth another thread: 64 cubed is 8192 cycles of two vectors, beside what a task costs. */
Test(sharing, products_of_microseconds_are_shared) {
    tg_product p = product(64, 64, 64);
    tg_share_product(&p, 2);
    cr_assert(tasks(&p) == 2);
    p = product(56, 56, 56);
    tg_share_product(&p, 2);
    cr_assert(tasks(&p) == 2);
    p = product(64, 48, 64);
    tg_share_product(&p, 2);
    cr_assert(tasks(&p) == 2);
    p = product(16, 16, 16);
    tg_share_product(&p, 2);
    cr_assert(tasks(&p) == 1);
}

/* Long ones are cut into more tasks than threads, since threads are not equally fast. */
Test(sharing, long_products_have_tasks_to_spare) {
    tg_product p = product(2048, 2048, 2048);
    tg_share_product(&p, 2);
    cr_assert(tasks(&p) >= 4);
}

Test(sharing, tasks_of_other_axes_count) {
    tg_product p = product(128, 128, 64);
    p.others = 96;
    tg_share_product(&p, 2);
    cr_assert(tasks(&p) == 1);
}
