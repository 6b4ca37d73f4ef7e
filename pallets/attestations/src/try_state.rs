//! The invariants that the pallet's documentation names.

use alloc::collections::BTreeMap;

use frame_support::ensure;
use ogpu_primitives::market::TaskId;
use ogpu_traits::{Collateral, LockId, PartOfTask, Purpose};
use sp_runtime::TryRuntimeError;

use crate::{
	Cases, Config, Deadlines, DeadlinesFrom, Draws, Earned, Item, Kind, Pallet, Panels, Places,
	Said, Served, Spoken, Stage, Wanted,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		let draws: alloc::vec::Vec<Item> = Draws::<T>::iter().map(|(_, item, ())| item).collect();
		let mut running = BTreeMap::<PartOfTask, u8>::new();
		let mut places = BTreeMap::<TaskId, u32>::new();
		for (id, number, panel) in Panels::<T>::iter() {
			let case = Self::case(id).map_err(|_| "there is a panel without a case")?;
			ensure!(number < case.next_panel, "a panel has a number that was never given");
			let item = Item { case: id, panel: number };
			*places.entry(id.task).or_default() += panel.members.len() as u32;
			match panel.until() {
				Some(until) => {
					let until = until.max(DeadlinesFrom::<T>::get());
					ensure!(
						Deadlines::<T>::contains_key(until, item)
							|| Spoken::<T>::contains_key(item),
						"a deadline is in no agenda"
					);
				}
				None => ensure!(
					panel.stage == Stage::Done || draws.contains(&item),
					"a panel waits for a draw that is in no agenda"
				),
			}
			if panel.kind == Kind::Round && panel.stage != Stage::Done {
				*running.entry(id).or_default() += 1;
			}
		}
		places.retain(|_, members| *members > 0);
		ensure!(places == Places::<T>::iter().collect(), "members are miscounted");
		for ((task, attempt), part, case) in Cases::<T>::iter() {
			let id = PartOfTask { task, attempt, part };
			let found = running.remove(&id).unwrap_or(0);
			ensure!(case.running == found, "rounds are miscounted");
			for dispute in &case.disputes {
				if let Some(number) = dispute.lock {
					let lock = LockId::new(Purpose::Dispute, number);
					ensure!(
						T::Collateral::locked(&dispute.challenger, lock) > 0,
						"a challenge is not secured"
					);
				}
			}
		}
		for (who, (id, number), ()) in Wanted::<T>::iter() {
			let panel = Panels::<T>::get(id, number).ok_or("somebody is wanted by no panel")?;
			let said = panel.place_of(&who).map(|place| panel.members[place].said);
			let has_to = match panel.stage {
				Stage::Committing { .. } => {
					matches!(said, None | Some(Said::Nothing | Said::Committed(_)))
				}
				Stage::Opening { .. } | Stage::Revealing { .. } => {
					said.is_none() || matches!(said, Some(Said::Committed(_)))
				}
				Stage::Drawing | Stage::Done => false,
			};
			ensure!(has_to, "somebody is wanted who has nothing to do");
		}
		for (id, ..) in Served::<T>::iter() {
			ensure!(Self::case(id).is_ok(), "somebody has served in no case");
		}
		for (id, ..) in Earned::<T>::iter() {
			ensure!(Self::case(id).is_ok(), "somebody has earned something in no case");
		}
		Ok(())
	}
}
