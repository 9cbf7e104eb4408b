/// Pooling of images of two and three dimensions, channels last. A window may lie partly outside the image, by at most half its extent.

/// Largest element of each window. A: where it is, as row * W + column of X, the first of equals.
kernel max_pool2d<T: float>(in T X[N, H, W, C], out T Y[N, P, Q, C], out i32 A[N, P, Q, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, p in P, q in Q, c in C) {
        axis v in R * S;
        let x = X[n, p * stride_h + v / S - pad_h, q * stride_w + v % S - pad_w, c] else -inf;
        let a = argmax(x, v);
        // Where all are -inf, the first position may be outside: the nearest one inside is in the window too.
        let h = clamp(p * stride_h + a / S - pad_h, 0, H - 1), w = clamp(q * stride_w + a % S - pad_w, 0, W - 1);
        Y[n, p, q, c] = max(x, v);
        A[n, p, q, c] = i32(h * W + w);
    }
}

/// dX of max_pool2d: what came from the windows whose largest element this was
kernel max_pool2d_bwd<T: float>(in T dY[N, P, Q, C], in i32 A[N, P, Q, C], out T dX[N, H, W, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each h in H, w in W, c in C) {
        // The windows over h start stride_h rows apart: window p0 - u has h as its row r0 + u * stride_h.
        let r0 = (h + pad_h) % stride_h, s0 = (w + pad_w) % stride_w, p0 = (h + pad_h) / stride_h, q0 = (w + pad_w) / stride_w;
        wide(T) acc[w, c] = 0;
        for (each u in ceil_div(R, stride_h)) for (each v in ceil_div(S, stride_w)) {
            let on = r0 + u * stride_h < R && s0 + v * stride_w < S;
            let a = A[n, p0 - u, q0 - v, c] else -1;
            acc += on && a == i32(h * W + w) ? widen(dY[n, p0 - u, q0 - v, c]) : 0;
        }
        dX[n, h, w, c] = T(acc);
    }
}

/// Elements that window p has in an image of n
fn inside(int p, int n, int window, int stride, int pad) -> int =
    min(p * stride - pad + window, n) - max(p * stride - pad, 0);

/// Mean of each window, over all its positions or, with `inner`, over those inside the image
kernel avg_pool2d<T: float>(in T X[N, H, W, C], out T Y[N, P, Q, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const bool inner = false)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, p in P, q in Q, c in C) {
        axis r in R, s in S;
        let total = sum(widen(X[n, p * stride_h + r - pad_h, q * stride_w + s - pad_w, c]), r, s);
        let count = inner ? inside(p, H, R, stride_h, pad_h) * inside(q, W, S, stride_w, pad_w) : R * S;
        Y[n, p, q, c] = T(total / wide(T)(count));
    }
}

/// dX of avg_pool2d
kernel avg_pool2d_bwd<T: float>(in T dY[N, P, Q, C], out T dX[N, H, W, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const bool inner = false)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each h in H, w in W, c in C) {
        let r0 = (h + pad_h) % stride_h, s0 = (w + pad_w) % stride_w, p0 = (h + pad_h) / stride_h, q0 = (w + pad_w) / stride_w;
        wide(T) acc[w, c] = 0;
        for (each u in ceil_div(R, stride_h)) for (each v in ceil_div(S, stride_w)) {
            let on = r0 + u * stride_h < R && s0 + v * stride_w < S;
            let p = p0 - u, q = q0 - v;
            let count = inner ? inside(p, H, R, stride_h, pad_h) * inside(q, W, S, stride_w, pad_w) : 1;
            acc += on ? widen(dY[n, p, q, c]) / wide(T)(count) : 0;
        }
        dX[n, h, w, c] = T(inner ? acc : acc / wide(T)(R * S));
    }
}

/// max_pool2d of images of three dimensions. A: (depth * H + row) * W + column
kernel max_pool3d<T: float>(in T X[N, D, H, W, C], out T Y[N, O, P, Q, C], out i32 A[N, O, P, Q, C], const int U, const int R, const int S,
    const int stride_d = 1, const int stride_h = 1, const int stride_w = 1, const int pad_d = 0, const int pad_h = 0, const int pad_w = 0)
    where U > 0, R > 0, S > 0, stride_d > 0, stride_h > 0, stride_w > 0, 2 * pad_d <= U, 2 * pad_h <= R, 2 * pad_w <= S,
          O == (D + 2 * pad_d - U) / stride_d + 1, P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each o in O, p in P, q in Q, c in C) {
        axis v in U * R * S;
        let x = X[n, o * stride_d + v / (R * S) - pad_d, p * stride_h + v / S % R - pad_h, q * stride_w + v % S - pad_w, c] else -inf;
        let a = argmax(x, v);
        let d = clamp(o * stride_d + a / (R * S) - pad_d, 0, D - 1), h = clamp(p * stride_h + a / S % R - pad_h, 0, H - 1),
            w = clamp(q * stride_w + a % S - pad_w, 0, W - 1);
        Y[n, o, p, q, c] = max(x, v);
        A[n, o, p, q, c] = i32((d * H + h) * W + w);
    }
}

/// dX of max_pool3d
kernel max_pool3d_bwd<T: float>(in T dY[N, O, P, Q, C], in i32 A[N, O, P, Q, C], out T dX[N, D, H, W, C], const int U, const int R, const int S,
    const int stride_d = 1, const int stride_h = 1, const int stride_w = 1, const int pad_d = 0, const int pad_h = 0, const int pad_w = 0)
    where U > 0, R > 0, S > 0, stride_d > 0, stride_h > 0, stride_w > 0, 2 * pad_d <= U, 2 * pad_h <= R, 2 * pad_w <= S,
          O == (D + 2 * pad_d - U) / stride_d + 1, P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each d in D, each h in H, w in W, c in C) {
        let u0 = (d + pad_d) % stride_d, r0 = (h + pad_h) % stride_h, s0 = (w + pad_w) % stride_w;
        let o0 = (d + pad_d) / stride_d, p0 = (h + pad_h) / stride_h, q0 = (w + pad_w) / stride_w;
        wide(T) acc[w, c] = 0;
        for (each t in ceil_div(U, stride_d)) for (each u in ceil_div(R, stride_h)) for (each v in ceil_div(S, stride_w)) {
            let on = u0 + t * stride_d < U && r0 + u * stride_h < R && s0 + v * stride_w < S;
            let a = A[n, o0 - t, p0 - u, q0 - v, c] else -1;
            acc += on && a == i32((d * H + h) * W + w) ? widen(dY[n, o0 - t, p0 - u, q0 - v, c]) : 0;
        }
        dX[n, d, h, w, c] = T(acc);
    }
}

/// avg_pool2d of images of three dimensions
kernel avg_pool3d<T: float>(in T X[N, D, H, W, C], out T Y[N, O, P, Q, C], const int U, const int R, const int S,
    const int stride_d = 1, const int stride_h = 1, const int stride_w = 1, const int pad_d = 0, const int pad_h = 0, const int pad_w = 0, const bool inner = false)
    where U > 0, R > 0, S > 0, stride_d > 0, stride_h > 0, stride_w > 0, 2 * pad_d <= U, 2 * pad_h <= R, 2 * pad_w <= S,
          O == (D + 2 * pad_d - U) / stride_d + 1, P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each o in O, p in P, q in Q, c in C) {
        axis u in U, r in R, s in S;
        let total = sum(widen(X[n, o * stride_d + u - pad_d, p * stride_h + r - pad_h, q * stride_w + s - pad_w, c]), u, r, s);
        let count = inner ? inside(o, D, U, stride_d, pad_d) * inside(p, H, R, stride_h, pad_h) * inside(q, W, S, stride_w, pad_w) : U * R * S;
        Y[n, o, p, q, c] = T(total / wide(T)(count));
    }
}

/// dX of avg_pool3d
kernel avg_pool3d_bwd<T: float>(in T dY[N, O, P, Q, C], out T dX[N, D, H, W, C], const int U, const int R, const int S,
    const int stride_d = 1, const int stride_h = 1, const int stride_w = 1, const int pad_d = 0, const int pad_h = 0, const int pad_w = 0, const bool inner = false)
    where U > 0, R > 0, S > 0, stride_d > 0, stride_h > 0, stride_w > 0, 2 * pad_d <= U, 2 * pad_h <= R, 2 * pad_w <= S,
          O == (D + 2 * pad_d - U) / stride_d + 1, P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each d in D, each h in H, w in W, c in C) {
        let u0 = (d + pad_d) % stride_d, r0 = (h + pad_h) % stride_h, s0 = (w + pad_w) % stride_w;
        let o0 = (d + pad_d) / stride_d, p0 = (h + pad_h) / stride_h, q0 = (w + pad_w) / stride_w;
        wide(T) acc[w, c] = 0;
        for (each t in ceil_div(U, stride_d)) for (each u in ceil_div(R, stride_h)) for (each v in ceil_div(S, stride_w)) {
            let on = u0 + t * stride_d < U && r0 + u * stride_h < R && s0 + v * stride_w < S;
            let o = o0 - t, p = p0 - u, q = q0 - v;
            let count = inner ? inside(o, D, U, stride_d, pad_d) * inside(p, H, R, stride_h, pad_h) * inside(q, W, S, stride_w, pad_w) : 1;
            acc += on ? widen(dY[n, o, p, q, c]) / wide(T)(count) : 0;
        }
        dX[n, d, h, w, c] = T(inner ? acc : acc / wide(T)(U * R * S));
    }
}
