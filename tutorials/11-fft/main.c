/* A Fourier transform by definition and by passes, and a convolution by the library's transforms. */
#include "tutorial.h"

enum { B = 5, N = 256, SIGNAL = 1000, TAPS = 75, LENGTH = 1080, BINS = LENGTH / 2 + 1 };

static tg_tensor *create(const tutorial *t, tg_dtype dtype, int64_t rows, int64_t columns)
{
    tg_tensor *x = tg_tensor_create(t->context, dtype, 2, (int64_t[]){rows, columns});
    NEED(t->context, x);
    return x;
}

/* Largest error of rows of y as transforms of rows of x, relative to the root mean square of the row's outputs. */
static double error_of(const tg_tensor *x, const tg_tensor *y)
{
    double turn = -2 * acos(-1) / N, worst = 0;
    for (int b = 0; b < B; b++) {
        double size = 0, most = 0;
        for (int k = 0; k < N; k++) {
            double re = 0, im = 0;
            for (int n = 0; n < N; n++) {
                double u = floats(x)[2 * (b * N + n)], v = floats(x)[2 * (b * N + n) + 1], angle = turn * (n * k % N);
                re += u * cos(angle) - v * sin(angle);
                im += u * sin(angle) + v * cos(angle);
            }
            most = fmax(most, hypot((double)floats(y)[2 * (b * N + k)] - re, (double)floats(y)[2 * (b * N + k) + 1] - im));
            size += re * re + im * im;
        }
        worst = fmax(worst, most / sqrt(size / N));
    }
    return worst;
}

/* The same kernel interface for both: the sum of N terms may be off by N roundings and those of the factors, log2(N) passes by
 * some three each. Errors have random signs, so that of an output is about the square root of that; six times is beyond what
 * 1280 outputs meet. */
static int run_transforms(const tutorial *t)
{
    tg_tensor *numbers = tutorial_random(t->context, 1, (int64_t[]){2 * B * N}, 1);
    tg_tensor *x = tg_tensor_from_memory(t->context, TG_C32, 2, (int64_t[]){B, N}, NULL, tg_tensor_data(numbers), NULL, NULL);
    tg_tensor *y = create(t, TG_C32, B, N), *z = create(t, TG_C32, B, N);
    NEED(t->context, x);
    CHECK(t->context, tg_launch(tg_module_kernel(t->module, "dft_rows"), TG_ARGS(x, y)));
    CHECK(t->context, tg_launch(tg_module_kernel(t->module, "fft_rows"), TG_ARGS(x, z)));
    int result = tutorial_report("transform by the definition", error_of(x, y), 6 * 0x1p-24 * 3 * sqrt(N));
    result |= tutorial_report("transform by passes", error_of(x, z), 6 * 0x1p-24 * 3 * sqrt(8));
    tg_tensor *all[] = {numbers, x, y, z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tg_tensor_release(all[i]);
    return result;
}

static tg_fft_plan *plan_of(const tutorial *t, tg_fft_kind kind)
{
    tg_fft_options options = TG_FFT_OPTIONS_INIT;
    tg_fft_plan *plan;
    options.kind = kind;
    options.normalise = kind == TG_FFT_C2R; /* divide once, on the way back */
    CHECK(t->context, tg_fft_plan_create(t->context, 1, (int64_t[]){LENGTH}, &options, &plan));
    return plan;
}

/* `rows` rows of n numbers, followed by zeros up to LENGTH */
static tg_tensor *padded(const tutorial *t, const tg_tensor *x, int rows, int n)
{
    tg_tensor *y = create(t, TG_F32, rows, LENGTH); /* new tensors are zero */
    for (int b = 0; b < rows; b++)
        for (int i = 0; i < n; i++)
            floats(y)[b * LENGTH + i] = floats(x)[b * n + i];
    return y;
}

/* y[b, i] = sum over j of x[b, i - j] f[j] for i < SIGNAL + TAPS - 1: three transforms, or SIGNAL TAPS products a row. */
static int run_convolution(const tutorial *t)
{
    tg_tensor *x = tutorial_random(t->context, 2, (int64_t[]){B, SIGNAL}, 2), *f = tutorial_random(t->context, 1, (int64_t[]){TAPS}, 3);
    tg_tensor *rows = padded(t, x, B, SIGNAL), *filter = padded(t, f, 1, TAPS), *y = create(t, TG_F32, B, LENGTH);
    tg_tensor *spectra = create(t, TG_C32, B, BINS), *response = create(t, TG_C32, 1, BINS);
    tg_tensor *flat = tg_tensor_from_memory(t->context, TG_C32, 1, (int64_t[]){BINS}, NULL, tg_tensor_data(response), NULL, NULL);
    tg_fft_plan *forward = plan_of(t, TG_FFT_R2C), *back = plan_of(t, TG_FFT_C2R);
    NEED(t->context, flat);
    CHECK(t->context, tg_fft_execute(forward, filter, response));
    CHECK(t->context, tg_fft_execute(forward, rows, spectra));
    CHECK(t->context, tg_launch(tg_module_kernel(t->module, "multiply"), TG_ARGS(spectra, flat)));
    CHECK(t->context, tg_fft_execute(back, spectra, y));

    double worst = 0, size = 0;
    for (int b = 0; b < B; b++)
        for (int i = 0; i < SIGNAL + TAPS - 1; i++) {
            double sum = 0;
            for (int j = i >= SIGNAL ? i - SIGNAL + 1 : 0; j < TAPS && j <= i; j++)
                sum += (double)floats(x)[b * SIGNAL + i - j] * (double)floats(f)[j];
            worst = fmax(worst, fabs((double)floats(y)[b * LENGTH + i] - sum));
            size += sum * sum;
        }
    /* Two transforms after one another, of some 10 passes of 3 roundings each, relative to the root mean square of the outputs, which
     * are spread evenly by them; the product between them counts as a pass. */
    double rms = sqrt(size / (B * (SIGNAL + TAPS - 1)));
    int result = tutorial_report("convolution", worst / rms, 6 * 0x1p-24 * 3 * sqrt(21));
    tg_tensor *all[] = {x, f, rows, filter, y, spectra, response, flat};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tg_tensor_release(all[i]);
    tg_fft_plan_destroy(forward);
    tg_fft_plan_destroy(back);
    return result;
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/fft.dsl");
    int result = run_transforms(&t) | run_convolution(&t);
    tutorial_close(&t);
    return result;
}
