/* The arithmetic of the benchmark (bench/stats.h). */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/stats.h"

Test(bench_stats, median_of_odd_and_even) {
    double odd[] = {5, 1, 4, 2, 3}, even[] = {4, 1, 3, 2}, one[] = {7};
    cr_assert_eq(bench_median(odd, 5), 3.0);
    cr_assert_eq(bench_median(even, 4), 2.5);
    cr_assert_eq(bench_median(one, 1), 7.0);
}

Test(bench_stats, median_of_leaves_its_input_alone) {
    const double values[] = {9, 1, 5};
    cr_assert_eq(bench_median_of(values, 3), 5.0);
    cr_assert_eq(values[0], 9.0);
    cr_assert_eq(bench_smallest(values, 3), 1.0);
}

/* A round in which the machine was slow counts like the others: it slows both. The ratio of the medians would not see
 * that theirs was measured in three slow rounds and ours in two. */
Test(bench_stats, paired_ratio_cancels_slow_rounds) {
    const double ours[] = {1, 1, 1, 10, 10}, theirs[] = {2, 2, 20, 20, 20};
    cr_assert_eq(bench_paired_ratio(ours, theirs, 5), 2.0);
    cr_assert_neq(bench_median_of(theirs, 5) / bench_median_of(ours, 5), 2.0);
}

Test(bench_stats, paired_ratio_ignores_an_outlier) {
    const double ours[] = {1, 1, 1}, theirs[] = {3, 3, 900};
    cr_assert_eq(bench_paired_ratio(ours, theirs, 3), 3.0);
}

Test(bench_stats, geometric_mean) {
    const double values[] = {0.5, 8};
    cr_assert(fabs(bench_geometric_mean(values, 2) - 2) < 1e-12);
    cr_assert_eq(bench_geometric_mean(values, 0), 0.0);
}

Test(bench_stats, rounds_fit_the_budget) {
    cr_assert_eq(bench_rounds(2, 0.2, 5), 11);             /* ten, made odd */
    cr_assert_eq(bench_rounds(2, 100, 5), 5);              /* never fewer than asked for */
    cr_assert_eq(bench_rounds(2, 0, 5), BENCH_MAX_ROUNDS); /* nor more than there is room for */
    cr_assert_eq(bench_rounds(2, 2.0 / 31, 5) % 2, 1);
}

/* From one call of 50 ns to samples of 20 ms, without a step of more than ten. */
Test(bench_stats, calls_grow_to_the_goal) {
    const double goal = 0.02, each = 50e-9;
    long calls = 1;
    int steps = 0;
    while ((double)calls * each < goal) {
        long next = bench_next_calls(calls, (double)calls * each, goal);
        cr_assert(next > calls && next <= 10 * calls + 1, "%ld after %ld", next, calls);
        calls = next;
        cr_assert(++steps < 20);
    }
    cr_assert((double)calls * each < 1.01 * goal);
}

Test(bench_stats, a_clock_that_stands_still) {
    cr_assert_eq(bench_next_calls(3, 0, 0.02), 30);
}
