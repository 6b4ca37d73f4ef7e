//! What the market tells before anything is signed.

use alloc::vec::Vec;

use codec::Codec;
use ogpu_primitives::market::{
	TaskId,
	quote::{NoQuote, Quote},
	spec::{Requirements, SpecFault, TaskSpec},
	view::TaskView,
};

sp_api::decl_runtime_apis! {
	/// What the market tells before anything is signed.
	pub trait MarketApi<AccountId: Codec> {
		/// What a task would cost now, or everything that is wrong with it.
		fn quote(spec: TaskSpec) -> Result<Quote, (Vec<SpecFault>, Option<NoQuote>)>;

		/// A task, live or ended, and what the market clock says.
		fn task(task: TaskId) -> (Option<TaskView<AccountId>>, u32);

		/// A page of the providers that meet the requirements, after one in the order of the table, and whom to
		/// ask on from if there are more.
		fn providers(
			requirements: Requirements,
			after: Option<AccountId>,
		) -> (Vec<AccountId>, Option<AccountId>);
	}
}
