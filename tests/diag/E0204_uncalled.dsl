fn mean_of(f64 x[j], axis j) -> f32 = mean(x, j);
