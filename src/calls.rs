//! The calls over host slices, which [`Gpu`](crate::Gpu) and [`Engine`](crate::Engine) have in common.

/// Defines the calls for a type with `async fn execute(self, &mut Job, CallMode)`, each async and blocking.
macro_rules! slice_calls {
    ($(#[$docs:meta])* $type:ident, $self:ident: $($receiver:tt)+) => {
        $(#[$docs])*
        impl $type {
            slice_calls! { @call $self: [$($receiver)+]
                /// Writes the function of each element of `source` to the same place in `target`.
                apply, apply_blocking(f: crate::HardSigmoid, source: &[T], target: &mut [T]) -> () {
                    crate::job::Job::apply(f, source, target)?, drop
                }
            }
            slice_calls! { @call $self: [$($receiver)+]
                /// Replaces each element of `data` by the function of it.
                apply_in_place, apply_in_place_blocking(f: crate::HardSigmoid, data: &mut [T]) -> () {
                    crate::job::Job::apply_in_place(f, data), drop
                }
            }
            slice_calls! { @call $self: [$($receiver)+]
                /// [`apply`](Self::apply), which also counts how many of the results are 0, 1, between them, and NaN.
                ///
                /// After an error there are no counts.
                apply_with_saturation, apply_with_saturation_blocking(
                    f: crate::HardSigmoid, source: &[T], target: &mut [T]
                ) -> crate::Saturation {
                    crate::job::Job::apply_with_saturation(f, source, target)?, std::convert::identity
                }
            }
            slice_calls! { @call $self: [$($receiver)+]
                /// Counts how many of the results for `source` are 0, 1, between them, and NaN, without writing them
                /// anywhere.
                saturation, saturation_blocking(f: crate::HardSigmoid, source: &[T]) -> crate::Saturation {
                    crate::job::Job::saturation(f, source), std::convert::identity
                }
            }
            slice_calls! { @call $self: [$($receiver)+]
                /// Writes the gradient with respect to x of each element to `grad_x`, from its gradient with respect
                /// to y in `grad_y` and from `saved`, which holds x or y, as `backward` says.
                ///
                /// Errors call `saved` the source, `grad_y` the gradient, and `grad_x` the target.
                backward, backward_blocking(
                    backward: crate::Backward, saved: &[T], grad_y: &[T], grad_x: &mut [T]
                ) -> () {
                    crate::job::Job::backward(backward, saved, grad_y, grad_x)?, drop
                }
            }
            slice_calls! { @call $self: [$($receiver)+]
                /// [`backward`](Self::backward), in place: the gradient with respect to x replaces the one with
                /// respect to y in `grad`.
                backward_in_place, backward_in_place_blocking(
                    backward: crate::Backward, saved: &[T], grad: &mut [T]
                ) -> () {
                    crate::job::Job::backward_in_place(backward, saved, grad)?, drop
                }
            }
            slice_calls! { @call $self: [$($receiver)+]
                /// Runs a job, which one of the other calls would make, or a part of one. The counts are zeros if it
                /// does not count.
                run, run_blocking(job: crate::Job<'_, T>) -> crate::Saturation {
                    job, std::convert::identity
                }
            }
        }
    };
    (@call $self:ident: [$($receiver:tt)+] $(#[$docs:meta])* $name:ident, $blocking:ident
        ($($argument:ident: $of:ty),+) -> $result:ty { $job:expr, $result_of:expr }
    ) => {
        $(#[$docs])*
        pub async fn $name<T: crate::Element>($($receiver)+, $($argument: $of),+) -> Result<$result, Error> {
            $self.execute(&mut { $job }, CallMode::Async).await.map($result_of)
        }

        #[cfg(not(target_arch = "wasm32"))]
        #[doc = concat!("[`", stringify!($name), "`](Self::", stringify!($name), "), blocking.")]
        pub fn $blocking<T: crate::Element>($($receiver)+, $($argument: $of),+) -> Result<$result, Error> {
            pollster::block_on($self.execute(&mut { $job }, CallMode::Blocking)).map($result_of)
        }
    };
}
pub(crate) use slice_calls;
